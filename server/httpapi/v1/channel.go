package v1

import (
	"context"
	"net/http"
	"net/url"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

const channelPath = "/api/v1/channels/{name}"

type channelInput struct {
	Name string `path:"name" example:"ops"`
}

// replaceChannelInput is api.ChannelInput with its name in the path.
type replaceChannelInput struct {
	Name string `path:"name" example:"ops"`
	Body channelBody
}

type channelBody struct {
	Name      string            `json:"name,omitempty" doc:"the name in the path, or nothing"`
	Kind      api.ChannelKind   `json:"kind" enum:"mail,pushover,webhook,shoutrrr"`
	Settings  map[string]string `json:"settings,omitempty" doc:"a secret that is sent as it was shown, masked, keeps its value"`
	ManagedBy string            `json:"managed_by,omitempty" doc:"what made it and keeps it as a file says, such as the --name of watchkeeper apply"`
}

type testChannelInput struct {
	Name string `path:"name" doc:"of a channel, or mail, pushover, webhook or shoutrrr" example:"mail"`
	Body *testBody
}

type testBody struct {
	Address string `json:"address,omitempty" doc:"where to, for a kind and for a channel that leaves it open: a mail address, a Pushover key, a URL"`
}

func (h *routes) channelRoutes(d *document) {
	settings := map[string]string{"to": "ops@example.org"}
	example := api.ChannelInput{Name: "ops", Kind: api.ChannelMail, Settings: settings}
	add(d, operation{
		id: "listChannels", method: http.MethodGet, path: "/api/v1/channels", group: groupChannels, scope: api.ScopeRead,
		reach: wholeReach, summary: "List channels", refuses: []api.ErrorKind{api.KindGone}, about: "By name, secrets masked.",
	}, h.listChannels)
	add(d, operation{
		id: "createChannel", method: http.MethodPost, path: "/api/v1/channels", group: groupChannels, scope: api.ScopeAdmin,
		reach: wholeReach, summary: "Create a channel", status: http.StatusCreated,
		refuses: []api.ErrorKind{api.KindConflict}, example: example,
	}, h.createChannel)
	add(d, operation{
		id: "getChannel", method: http.MethodGet, path: channelPath, group: groupChannels, scope: api.ScopeRead,
		reach: wholeReach, summary: "Show a channel", refuses: []api.ErrorKind{api.KindNotFound}, about: "Secrets are masked.",
	}, h.getChannel)
	add(d, operation{
		id: "replaceChannel", method: http.MethodPut, path: channelPath, group: groupChannels, scope: api.ScopeAdmin,
		reach: wholeReach, summary: "Replace the settings of a channel",
		refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about:   "One of the configuration file answers 409: it is changed there.",
		example: channelBody{Kind: api.ChannelMail, Settings: settings},
	}, h.replaceChannel)
	add(d, operation{
		id: "deleteChannel", method: http.MethodDelete, path: channelPath, group: groupChannels, scope: api.ScopeAdmin,
		reach: wholeReach, summary: "Delete a channel", refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about: "Who was told through it is told by the default route from then on.",
	}, h.deleteChannel)
	add(d, operation{
		id: "previewTemplates", method: http.MethodPost, path: "/api/v1/templates/preview", group: groupChannels, scope: api.ScopeRead,
		reach: wholeReach, summary: "Try templates of messages",
		about: "What the templates, which channels take as the settings `title_template` and `body_template`, make of a message of " +
			"every sort. Nothing is sent or kept.",
		example: api.TemplatesInput{Title: "{{.Name}} is {{.State}}", Body: "{{.Text}}{{with .Why}} ({{.}}){{end}}"},
	}, h.previewTemplates)
	add(d, operation{
		id: "testChannel", method: http.MethodPost, path: channelPath + "/test", group: groupChannels, scope: api.ScopeAdmin,
		reach: wholeReach, summary: "Send a test message", refuses: []api.ErrorKind{api.KindNotFound},
		about:   "Sends it now and answers with what the other side said. That it refused is no error: then `ok` is false.",
		example: testBody{Address: "me@example.org"},
		answers: api.ChannelTest{OK: true, Answer: "250 2.0.0 Ok: queued", Took: "120ms"},
	}, h.testChannel)
}

func (h *routes) listChannels(_ context.Context, _ auth.Principal, in *Paging) (*answer[api.Page[api.Channel]], error) {
	return wholeList(h, *in, "channels", func() ([]api.Channel, error) { return h.Channels.List(), nil })
}

func (h *routes) createChannel(ctx context.Context, _ auth.Principal, in *struct{ Body api.ChannelInput }) (*made[api.Channel], error) {
	channel, err := h.Channels.Create(ctx, in.Body)
	return making("/api/v1/channels/"+url.PathEscape(channel.Name), channel, err)
}

func (h *routes) getChannel(_ context.Context, _ auth.Principal, in *channelInput) (*answer[api.Channel], error) {
	return answering(h.Channels.Get(in.Name))
}

func (h *routes) replaceChannel(ctx context.Context, _ auth.Principal, in *replaceChannelInput) (*answer[api.Channel], error) {
	return answering(h.Channels.Replace(ctx, in.Name, api.ChannelInput(in.Body)))
}

func (h *routes) deleteChannel(ctx context.Context, _ auth.Principal, in *channelInput) (*struct{}, error) {
	return nil, h.Channels.Delete(ctx, in.Name)
}

func (h *routes) previewTemplates(_ context.Context, _ auth.Principal, in *struct{ Body api.TemplatesInput }) (*answer[api.Page[api.MessagePreview]], error) {
	previews, err := h.Channels.Preview(in.Body.Title, in.Body.Body)
	if err != nil {
		return nil, relocate(err, map[string]string{
			"body.settings.title_template": "body.title_template", "body.settings.body_template": "body.body_template",
		})
	}
	return newAnswer(api.NewPage(previews, "")), nil
}

func (h *routes) testChannel(ctx context.Context, _ auth.Principal, in *testChannelInput) (*answer[api.ChannelTest], error) {
	target := api.Target{Channel: in.Name}
	if in.Body != nil {
		target.Address = in.Body.Address
	}
	result, err := h.Channels.TestTarget(ctx, target)
	if err != nil {
		return nil, relocate(err, map[string]string{"address": "body.address"})
	}
	return newAnswer(result), nil
}
