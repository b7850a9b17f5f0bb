package alert

import (
	"context"
	"strings"
	"testing"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/alert/notify"
)

func TestTemplatesWordMessages(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		ctx := context.Background()
		must(w.alerts.Channels.Create(ctx, api.ChannelInput{Name: "own", Kind: api.ChannelShoutrrr, Settings: map[string]string{
			"to": "me", notify.TitleTemplate: "{{upper .State}} {{.Name}}", notify.BodyTemplate: "{{.Text}}!",
		}}))(t)
		shown := must(w.alerts.Channels.Get("own"))(t)
		same(t, "shown as they are", shown.Settings[notify.TitleTemplate], "{{upper .State}} {{.Name}}")
		w.pulse(t, "web", "own", "me")
		w.pass(t, time.Minute)
		w.work(t)
		got := w.post.wait(t, 1)[0].message
		same(t, "title", got.Title, "DOWN web")
		if !strings.HasPrefix(got.Body, "The service web is not pulsing since ") || !strings.HasSuffix(got.Body, "!") {
			t.Errorf("body %q", got.Body)
		}
		answer := must(w.alerts.Channels.TestTarget(ctx, api.Target{Channel: "own"}))(t)
		same(t, "a test", answer.OK, true)
		same(t, "is worded, too", w.post.wait(t, 2)[1].message.Body, "This is a test of the channel own: alerts sent there arrive like this!")

		_, err := w.alerts.Channels.Create(ctx, api.ChannelInput{Name: "bad", Kind: api.ChannelShoutrrr, Settings: map[string]string{
			"to": "me", notify.BodyTemplate: "{{.Colour}}",
		}})
		if p := api.ProblemOf(err); len(p.Errors) != 1 || p.Errors[0].Location != "body.settings.body_template" {
			t.Errorf("a template that is wrong: %v", err)
		}
		must(w.alerts.Channels.Preview("{{.Name}}", ""))(t)
	})
}

func TestTemplateThatFailsLater(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		must(w.alerts.Channels.Create(context.Background(), api.ChannelInput{Name: "own", Kind: api.ChannelShoutrrr, Settings: map[string]string{
			"to": "me", notify.BodyTemplate: `{{if eq .Name "web" "db"}}{{index .Tags 7}}{{end}}ok`,
		}}))(t)
		for _, name := range []string{"web", "db"} {
			w.pulse(t, name, "own", "me")
		}
		w.pass(t, time.Minute)
		w.work(t)
		for _, l := range w.post.wait(t, 2) {
			if l.message.Body != "" || l.message.Title != "Service "+l.name+" has not pulsed" {
				t.Errorf("%s: %q %q", l, l.message.Title, l.message.Body)
			}
		}
		said := w.warnings(t, ownService)
		if len(said) != 1 || !strings.HasPrefix(said[0], "The template of the channel own failed, so that its messages have the built-in text: the body: ") {
			t.Errorf("said %q", said)
		}
	})
}

func TestTemplatesOfKinds(t *testing.T) {
	inEachWorld(t, func(t *testing.T, w *world) {
		o := w.alerts.Channels.ChannelOptions
		o.Templates = map[api.ChannelKind]map[string]string{api.ChannelMail: {notify.TitleTemplate: "!{{.Name}}", notify.BodyTemplate: ""}}
		channels := must(NewChannels(o))(t)
		must(0, channels.Load(context.Background()))(t)
		w.alerts.Channels = channels
		w.pulse(t, "web", "mail", "me@example.org")
		w.pass(t, time.Minute)
		w.work(t)
		same(t, "title", w.post.wait(t, 1)[0].message.Title, "!web")
		o.Templates = map[api.ChannelKind]map[string]string{api.ChannelMail: {notify.TitleTemplate: "{{", notify.BodyTemplate: ""}}
		if _, err := NewChannels(o); err == nil || !strings.Contains(err.Error(), "the template of mail in the configuration file: title_template") {
			t.Errorf("a template of the file that is wrong: %v", err)
		}
	})
}
