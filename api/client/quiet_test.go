package client_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"watchkeeper/api"
	"watchkeeper/api/client"
)

func TestRoutesOfQuiet(t *testing.T) {
	ctx := context.Background()
	position := 1
	match, err := api.ParseMatchers(`name="db1"`)
	if err != nil {
		t.Fatal(err)
	}
	for want, ask := range map[string]func(*client.Client) (string, error){
		"GET /api/v1/routes?limit=2 ": func(c *client.Client) (string, error) {
			page, err := c.Routes().Page(ctx, client.Paging{Limit: 2})
			return page.Next, err
		},
		"GET /api/v1/routes/a%2Fb ": func(c *client.Client) (string, error) {
			r, err := c.Route(ctx, "a/b")
			return r.Name, err
		},
		`POST /api/v1/routes {"name":"n","position":0,"match":["name=\"db1\""],"to":["ops"]}`: func(c *client.Client) (string, error) {
			r, err := c.CreateRoute(ctx, api.RouteInput{Name: "n", Match: match, To: []string{"ops"}})
			return r.Name, err
		},
		`PUT /api/v1/routes/x {"name":"n","position":0,"match":[],"to":["ops"]}`: func(c *client.Client) (string, error) {
			r, err := c.PutRoute(ctx, "x", api.RouteInput{Name: "n", To: []string{"ops"}})
			return r.Name, err
		},
		`PATCH /api/v1/routes/x {"position":1}`: func(c *client.Client) (string, error) {
			r, err := c.PatchRoute(ctx, "x", api.RoutePatch{Position: &position})
			return r.Name, err
		},
		"DELETE /api/v1/routes/x ": func(c *client.Client) (string, error) { return "", c.DeleteRoute(ctx, "x") },
		"GET /api/v1/silences?state=active ": func(c *client.Client) (string, error) {
			page, err := c.Silences(api.SilenceActive).Page(ctx, client.Paging{})
			return page.Next, err
		},
		"GET /api/v1/silences/x ": func(c *client.Client) (string, error) {
			s, err := c.Silence(ctx, "x")
			return s.ID, err
		},
		`POST /api/v1/silences {"match":["name=\"db1\""],"for":60,"comment":"c"}`: func(c *client.Client) (string, error) {
			s, err := c.CreateSilence(ctx, api.SilenceInput{Match: match, For: 60, Comment: "c"})
			return s.ID, err
		},
		"DELETE /api/v1/silences/x ": func(c *client.Client) (string, error) { return "", c.EndSilence(ctx, "x") },
		"GET /api/v1/maintenance ": func(c *client.Client) (string, error) {
			page, err := c.Maintenances().Page(ctx, client.Paging{})
			return page.Next, err
		},
		"GET /api/v1/maintenance/x ": func(c *client.Client) (string, error) {
			m, err := c.Maintenance(ctx, "x")
			return m.Name, err
		},
		`POST /api/v1/maintenance {"name":"n","match":["name=\"db1\""],"cron":"0 3 * * *","duration":60,"comment":"c"}`: func(c *client.Client) (string, error) {
			m, err := c.CreateMaintenance(ctx, api.MaintenanceInput{Name: "n", Match: match, Cron: "0 3 * * *", Duration: 60, Comment: "c"})
			return m.Name, err
		},
		`PUT /api/v1/maintenance/x {"name":"n","match":[],"comment":""}`: func(c *client.Client) (string, error) {
			m, err := c.PutMaintenance(ctx, "x", api.MaintenanceInput{Name: "n"})
			return m.Name, err
		},
		"DELETE /api/v1/maintenance/x ": func(c *client.Client) (string, error) { return "", c.DeleteMaintenance(ctx, "x") },
		`POST /api/v1/incidents/x/acknowledge {"comment":"on it"}`: func(c *client.Client) (string, error) {
			i, err := c.AcknowledgeIncident(ctx, "x", api.Acknowledgement{Comment: "on it"})
			return i.ID, err
		},
		"DELETE /api/v1/incidents/x/acknowledge ": func(c *client.Client) (string, error) {
			i, err := c.WithdrawAcknowledgement(ctx, "x")
			return i.ID, err
		},
	} {
		var got, gave string
		c := answering(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = r.Method + " " + r.RequestURI + " " + string(body)
			if r.Method == http.MethodDelete && r.URL.Path != "/api/v1/incidents/x/acknowledge" {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			gave = "given"
			answer := `{"id":"given","name":"given"}`
			if r.Method == http.MethodGet && strings.Count(r.URL.Path, "/") == 3 {
				answer = `{"next":"given","items":[]}`
			}
			_, _ = io.WriteString(w, answer)
		})
		answer, err := ask(c)
		if err != nil || got != want || answer != gave {
			t.Errorf("%s: asked %s, gave %q, %v", want, got, answer, err)
		}
	}
}
