package v1

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

// servicePath is the path of a service.
const servicePath = "/api/v1/services/{service}"

// serviceInput is the path of every route of one service.
type serviceInput struct {
	Service string `path:"service" doc:"name, with slashes and the like percent-encoded, or id" example:"nightly backup"`
}

// upcoming is how many of the next expected times of a cron expression are shown.
const upcoming = 3

func (h *routes) serviceRoutes(d *document) {
	add(d, operation{
		id: "createService", method: http.MethodPost, path: "/api/v1/services", group: groupServices, scope: api.ScopeAdmin,
		summary: "Create a service", status: http.StatusCreated, refuses: []api.ErrorKind{api.KindConflict},
		about: "It needs a name, and `next_in`, `cron` or `probe`. Nothing is expected of it before its first pulse. A name that exists " +
			"answers 409.",
		example: exampleService("nightly backup", nil), answers: exampleServiceView(),
	}, h.createService)
	add(d, operation{
		id: "getService", method: http.MethodGet, path: servicePath, group: groupServices, scope: api.ScopeRead,
		summary: "Show a service", refuses: []api.ErrorKind{api.KindNotFound}, answers: exampleServiceView(),
	}, h.getService)
	add(d, operation{
		id: "updateService", method: http.MethodPatch, path: servicePath, group: groupServices, scope: api.ScopeAdmin,
		summary: "Change a service", refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about: "Changes the members that are sent; the others, and those that are null, stay. Naming one of " +
			"`next_in`, `cron` and `probe` ends the others. A probe of the configuration file answers 409. What is expected is computed anew from the last pulse.",
		example: map[string]any{"grace": 600, "tags": []string{"db", "nightly"}}, answers: exampleServiceView(),
	}, h.updateService)
	add(d, operation{
		id: "deleteService", method: http.MethodDelete, path: servicePath, group: groupServices, scope: api.ScopeAdmin,
		summary: "Delete a service", refuses: []api.ErrorKind{api.KindNotFound},
		about: "Removes it with its history of pulses and closes its incident silently. Its changes and events stay until " +
			"their age limit.",
	}, h.deleteService)
	add(d, operation{
		id: "putService", method: http.MethodPut, path: "/api/v1/services/by-name/{name}", group: groupServices,
		scope: api.ScopeAdmin, summary: "Create or update a service", also: http.StatusCreated,
		refuses: []api.ErrorKind{api.KindConflict},
		about: "Gives the service with this name exactly these settings, those that are left out at their defaults, and " +
			"makes it where there is none (201). Repeated, it changes nothing.",
		example: exampleService("", []string{"mail:me@example.org"}), answers: exampleServiceView(),
	}, h.putService)
	add(d, operation{
		id: "pauseService", method: http.MethodPost, path: servicePath + "/pause", group: groupServices,
		scope: api.ScopeOperate, summary: "Stop watching a service", refuses: []api.ErrorKind{api.KindNotFound},
		about: "It is not judged until it is resumed or, unless `manual_resume` is set, pulses. May be repeated.",
	}, h.pauseService)
	add(d, operation{
		id: "resumeService", method: http.MethodPost, path: servicePath + "/resume", group: groupServices,
		scope: api.ScopeOperate, summary: "Watch a service again",
		refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about:   "Nothing is expected of it until its next pulse. One that is not paused answers 409.",
	}, h.resumeService)
}

func (h *routes) createService(ctx context.Context, who auth.Principal, in *struct{ Body api.ServiceInput }) (*made[api.ServiceView], error) {
	if in.Body.Name != nil {
		if err := who.RequireName(*in.Body.Name); err != nil {
			return nil, err
		}
	}
	svc, err := h.Services.Create(ctx, in.Body)
	if err != nil {
		return nil, err
	}
	return h.madeService(ctx, who, svc, http.StatusCreated)
}

func (h *routes) getService(ctx context.Context, who auth.Principal, in *serviceInput) (*answer[api.ServiceView], error) {
	svc, err := h.findService(ctx, who, in.Service, forReading)
	if err != nil {
		return nil, err
	}
	return h.answerService(ctx, who, svc)
}

type updateServiceInput struct {
	Service string `path:"service" doc:"name, with slashes and the like percent-encoded, or id"`
	Body    api.ServiceInput
}

func (h *routes) updateService(ctx context.Context, who auth.Principal, in *updateServiceInput) (*answer[api.ServiceView], error) {
	svc, err := h.findService(ctx, who, in.Service, forWriting)
	if err != nil {
		return nil, err
	}
	if in.Body.Name != nil {
		if err := who.RequireName(*in.Body.Name); err != nil {
			return nil, err
		}
	}
	if svc, err = h.Services.Patch(ctx, svc.ID, in.Body); err != nil {
		return nil, err
	}
	return h.answerService(ctx, who, svc)
}

func (h *routes) deleteService(ctx context.Context, who auth.Principal, in *serviceInput) (*struct{}, error) {
	svc, err := h.findService(ctx, who, in.Service, forWriting)
	if err != nil {
		return nil, err
	}
	_, err = h.Store.Services.Delete(ctx, svc.ID)
	return nil, err
}

type putServiceInput struct {
	Name string `path:"name" doc:"name, with slashes and the like percent-encoded" example:"nightly backup"`
	Body api.ServiceInput
}

func (h *routes) putService(ctx context.Context, who auth.Principal, in *putServiceInput) (*made[api.ServiceView], error) {
	if why := api.CheckName(in.Name); why != "" {
		return nil, api.Invalid("path.name", "%s", why)
	}
	if err := who.RequireName(in.Name); err != nil {
		return nil, err
	}
	svc, created, err := h.Services.Put(ctx, in.Name, in.Body)
	if err != nil {
		return nil, err
	}
	if created {
		return h.madeService(ctx, who, svc, http.StatusCreated)
	}
	return h.madeService(ctx, who, svc, http.StatusOK)
}

func (h *routes) pauseService(ctx context.Context, who auth.Principal, in *serviceInput) (*answer[api.ServiceView], error) {
	svc, err := h.findService(ctx, who, in.Service, forWriting)
	if err != nil {
		return nil, err
	}
	if svc, err = h.Store.Services.Pause(ctx, svc.ID, api.ReasonPaused); err != nil {
		return nil, err
	}
	return h.answerService(ctx, who, svc)
}

func (h *routes) resumeService(ctx context.Context, who auth.Principal, in *serviceInput) (*answer[api.ServiceView], error) {
	svc, err := h.findService(ctx, who, in.Service, forWriting)
	if err != nil {
		return nil, err
	}
	if svc, err = h.Store.Services.Resume(ctx, svc.ID); err != nil {
		return nil, err
	}
	return h.answerService(ctx, who, svc)
}

// madeService answers with a service that was made, or was found made.
func (h *routes) madeService(ctx context.Context, who auth.Principal, svc *api.Service, status int) (*made[api.ServiceView], error) {
	shown, err := h.answerService(ctx, who, svc)
	if err != nil {
		return nil, err
	}
	return &made[api.ServiceView]{Status: status, Location: "/api/v1/services/" + svc.ID, Body: shown.Body}, nil
}

func (h *routes) answerService(ctx context.Context, who auth.Principal, svc *api.Service) (*answer[api.ServiceView], error) {
	found, err := h.probeResults(ctx, svc)
	if err != nil {
		return nil, err
	}
	return newAnswer(h.view(who, svc, found)), nil
}

// view gives a service as clients see it. found is what probes found, by the ids of their services.
func (h *routes) view(who auth.Principal, svc *api.Service, found map[string]*api.ProbeResult) api.ServiceView {
	v := api.ServiceView{Service: *svc, Upcoming: h.Services.Upcoming(svc, upcoming), ProbeResult: found[svc.ID]}
	if v.NextIn = svc.NextInForce(); v.NextIn != svc.NextIn {
		v.SetNextIn = &svc.NextIn
	}
	if svc.Probe != nil {
		v.NextIn, v.SetNextIn = 0, nil // what its pulses promise follows from the interval, and is nobody's setting
		v.Probe = h.showProbe(who, svc.Probe)
	}
	v.PingURL = h.PublicURL + "/ping/" + svc.ID
	if v.Tags == nil {
		v.Tags = []string{}
	}
	if v.Alerts == nil {
		v.Alerts = []string{}
	}
	if v.Parents == nil {
		v.Parents = []string{}
	}
	return v
}

// intent is what a service is looked for.
type intent string

const (
	forReading intent = "reading"
	forWriting intent = "writing"
)

var errNoService = api.Errorf(api.KindNotFound, "there is no such service")

// findService gives the service that a path names, by id or name. One that the credential does not reach is as if it did
// not exist for whoever reads, and forbidden for whoever writes.
func (h *routes) findService(ctx context.Context, who auth.Principal, nameOrID string, use intent) (*api.Service, error) {
	if id, is := uuidOf(nameOrID); is {
		svc, err := h.Store.Services.Get(ctx, id)
		if err == nil {
			return svc, within(who, svc.Name, use)
		}
		if api.KindOf(err) != api.KindNotFound {
			return nil, err
		}
	}
	if err := within(who, nameOrID, use); err != nil {
		return nil, err
	}
	if api.CheckName(nameOrID) != "" {
		return nil, errNoService
	}
	return h.Store.Services.ByName(ctx, nameOrID)
}

func within(who auth.Principal, name string, use intent) error {
	err := who.RequireName(name)
	if err != nil && use == forReading {
		return errNoService
	}
	return err
}

// uuidOf reports whether a part of a path may be an id, and gives it as the store has it.
func uuidOf(s string) (string, bool) {
	const size = 36
	if len(s) != size {
		return "", false
	}
	if _, err := uuid.Parse(s); err != nil {
		return "", false
	}
	return strings.ToLower(s), true
}
