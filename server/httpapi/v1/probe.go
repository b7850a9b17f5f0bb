package v1

import (
	"context"
	"net/http"
	"time"

	"watchkeeper/api"
	"watchkeeper/server/auth"
)

func (h *routes) probeRoutes(d *document) {
	add(d, operation{
		id: "runProbe", method: http.MethodPost, path: servicePath + "/probe", group: groupServices, scope: api.ScopeOperate,
		summary: "Run the probe of a service now", refuses: []api.ErrorKind{api.KindNotFound, api.KindConflict},
		about: "Looks at the target once and answers with what it found, after as long as the probe's time limit at most. It " +
			"counts like any other run, unless the service is paused; that the target fails is no error. A service without a " +
			"probe answers 409.",
		answers: exampleProbeResult(),
	}, h.runProbe)
}

// probePatience is more than a run can take with the writing of its answer.
const probePatience = (api.MaxProbeTimeout + 30) * time.Second

func (h *routes) runProbe(ctx context.Context, who auth.Principal, in *serviceInput) (*answer[api.ProbeResult], error) {
	svc, err := h.findService(ctx, who, in.Service, forWriting)
	if err != nil {
		return nil, err
	}
	extend(ctx, probePatience)
	return answering(h.Probes.RunNow(ctx, svc))
}

// showProbe gives the probe of a service as a credential may see it: who could have made it sees its secrets.
func (h *routes) showProbe(who auth.Principal, p *api.Probe) *api.Probe {
	if p == nil || p.Sealed == "" || !who.May(api.ScopeAdmin) {
		return p
	}
	settings, err := h.Services.OpenProbe(p)
	if err != nil {
		return p // the feature tells of it when the probe runs
	}
	return &api.Probe{ProbeSettings: settings, FromFile: p.FromFile}
}

// probeResults gives what the probes of services found last, by the ids of the services.
func (h *routes) probeResults(ctx context.Context, services ...*api.Service) (map[string]*api.ProbeResult, error) {
	var ids []string
	for _, s := range services {
		if s.Probe != nil {
			ids = append(ids, s.ID)
		}
	}
	return h.Store.Probes.Results(ctx, ids...)
}
