package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/api/client"
	"watchkeeper/api/manifest"
)

// applying is one run of apply.
type applying struct {
	*remote
	file   string
	name   string
	dryRun bool
	prune  bool
	adopt  bool
	send   bool
	sure   *consent
}

func (r *run) applyCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "apply FILE", Short: "Make services, channels, routes and maintenance as a file says", Args: arguments("FILE"),
		Long: `Make a server watch and tell as a file says, as watchkeeper export writes it; - is the standard input. What is to be
changed is shown first and asked about. Repeated, it changes nothing.

What it makes is marked with the --name. With --prune it deletes what carries that mark and is no longer in the file,
never what was made otherwise. It ends at the first change that the server refuses; those before it stay, and the next
run goes on.

A secret may stand in the file, or {env: NAME} or {file: PATH} in its place. One that the server has is kept, since it
cannot be compared; --send-secrets replaces it.

Exits 1 when --dry-run finds something to change. With --json it prints the plan, and of each step whether it was done.`,
		Example: "watchkeeper apply watch.yaml --dry-run\nwatchkeeper apply watch.yaml --prune --yes",
	}
	a := &applying{remote: r.remoteFlags(c)}
	f := c.Flags()
	f.BoolVar(&a.dryRun, "dry-run", false, "show what would be changed, and change nothing")
	f.BoolVar(&a.prune, "prune", false, "delete what was made under the same --name and is no longer in the file, services with their history")
	f.StringVar(&a.name, "name", "apply", "`mark` of what is made, one for each file that is applied to a server")
	f.BoolVar(&a.adopt, "adopt", false, "mark also what is in the file and was made otherwise")
	f.BoolVar(&a.send, "send-secrets", false, "replace the secrets that the server has by those of the file")
	a.sure = consentFlag(f)
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		a.file = args[0]
		if strings.TrimSpace(a.name) == "" {
			return wrongUsage("--name must not be empty")
		}
		text, err := r.readManifest(a.file)
		if err != nil {
			return err
		}
		wanted, err := manifest.Parse(text)
		if err != nil {
			return a.faults(err)
		}
		return a.ask(c, func(ctx context.Context, server *client.Client) error { return a.apply(ctx, server, wanted) })
	})
	return c
}

func (r *run) readManifest(path string) ([]byte, error) {
	in := r.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, usageError{err}
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, manifest.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return text, nil
}

// faults says what is wrong in the file, line by line.
func (a *applying) faults(err error) error {
	var wrong *manifest.Error
	if !errors.As(err, &wrong) {
		return err
	}
	return api.Errorf(api.KindInvalid, "%s is not right, nothing was changed\n%s", a.shownFile(), wrong.Error())
}

func (a *applying) shownFile() string {
	if a.file == "-" {
		return "the standard input"
	}
	return a.file
}

// resolve gives the text of a secret. A file is found from where the manifest is.
func (a *applying) resolve(s manifest.Source) (string, error) {
	if s.Env != "" {
		value, err := a.run.variable(s.Env)
		if err == nil && value == "" {
			err = fmt.Errorf("the variable %s is not set", s.Env)
		}
		return value, err
	}
	path := s.File
	if !filepath.IsAbs(path) && a.file != "-" {
		path = filepath.Join(filepath.Dir(a.file), path)
	}
	return readSmall(path)
}

func (a *applying) options() manifest.Options {
	o := manifest.Options{
		Name: a.name, Prune: manifest.KeepGone, Adopt: manifest.LeaveMark, Secrets: manifest.KeepSecrets, Resolve: a.resolve,
	}
	if a.prune {
		o.Prune = manifest.DeleteGone
	}
	if a.adopt {
		o.Adopt = manifest.TakeMark
	}
	if a.send {
		o.Secrets = manifest.SendSecrets
	}
	return o
}

func (a *applying) apply(ctx context.Context, server *client.Client, wanted *manifest.Manifest) error {
	has, err := everything(ctx, server)
	if err != nil {
		return err
	}
	plan, err := wanted.Plan(has, a.options())
	if err != nil {
		return a.faults(err)
	}
	if !a.asJSON {
		if err := a.printPlan(plan); err != nil {
			return err
		}
	}
	switch {
	case len(plan.Steps) == 0:
		return a.report(plan, 0)
	case a.dryRun:
		if err := a.report(plan, 0); err != nil {
			return err
		}
		return errAmiss
	}
	if err := a.run.confirm(fmt.Sprintf("Make these changes at %s?", server.URL()), a.sure); err != nil {
		return err
	}
	for done := range plan.Steps {
		if err := carryOut(ctx, server, &plan.Steps[done]); err != nil {
			return errors.Join(a.report(plan, done), a.stopped(plan, done, err))
		}
	}
	return a.report(plan, len(plan.Steps))
}

// stopped says at which step the server refused, and what was done before.
func (a *applying) stopped(plan *manifest.Plan, done int, err error) error {
	s := &plan.Steps[done]
	said := lines(err)
	at := fmt.Sprintf("%s %s %s", s.Action, s.Kind, shown(s.Name))
	if s.Line > 0 {
		at = fmt.Sprintf("%s line %d: %s", a.shownFile(), s.Line, at)
	}
	wrong := api.Errorf(api.KindOf(err), "%s: %s", at, strings.Join(said, "\n"))
	return hinted{wrong, fmt.Sprintf("%d of %d changes were made before. Apply the file again to go on.", done, len(plan.Steps))}
}

// printPlan shows people what is to be done.
func (a *applying) printPlan(plan *manifest.Plan) error {
	p := a.run.page()
	for i := range plan.Steps {
		s := &plan.Steps[i]
		p.line("%s %s %s", string(s.Action), string(s.Kind), shown(s.Name))
		for _, c := range s.Changes {
			p.line("    %s: %s -> %s", c.Field, shownChange(c.From), shownChange(c.To))
		}
	}
	p.line("%d to create, %d to update, %d to delete, %d as they should be", plan.Count(manifest.ActionCreate),
		plan.Count(manifest.ActionUpdate), plan.Count(manifest.ActionDelete), plan.Unchanged)
	left := map[manifest.Reason]int{}
	for _, l := range plan.Left {
		left[l.Reason]++
	}
	if n := left[manifest.ReasonKept]; n > 0 {
		p.line("%d made under this name are no longer in the file and stay; --prune deletes them", n)
	}
	if n := left[manifest.ReasonOther]; n > 0 {
		p.line("%d that are not in the file were made otherwise and stay", n)
	}
	if n := plan.Unseen; n > 0 {
		were := fmt.Sprintf("%d secrets were", n)
		if n == 1 {
			were = "1 secret was"
		}
		p.line("%s not compared, since the server shows none; --send-secrets replaces what it has", were)
	}
	return p.flush()
}

func shownChange(text string) string {
	if text == "" {
		return "(none)"
	}
	return shown(text)
}

// applied is a step for --json, and whether it was carried out.
type applied struct {
	manifest.Step
	Done bool `json:"done"`
}

// report says how far it came.
func (a *applying) report(plan *manifest.Plan, done int) error {
	if !a.asJSON {
		if done > 0 && done == len(plan.Steps) {
			p := a.run.page()
			p.line("Done.")
			return p.flush()
		}
		return nil
	}
	steps := make([]applied, len(plan.Steps))
	for i := range plan.Steps {
		steps[i] = applied{plan.Steps[i], i < done}
	}
	return a.run.encode(struct {
		Steps []applied `json:"steps"`
		*manifest.Plan
	}{steps, plan})
}

// carryOut asks a server for one step. What is to be deleted and is gone already is as it should be.
func carryOut(ctx context.Context, server *client.Client, s *manifest.Step) (err error) {
	switch {
	case s.Action == manifest.ActionDelete:
		err = map[manifest.Kind]func(context.Context, string) error{
			manifest.KindChannel: server.DeleteChannel, manifest.KindService: server.DeleteService,
			manifest.KindRoute: server.DeleteRoute, manifest.KindMaintenance: server.DeleteMaintenance,
		}[s.Kind](ctx, s.ID)
		if api.KindOf(err) == api.KindNotFound {
			err = nil
		}
	case s.Channel != nil && s.Action == manifest.ActionCreate:
		_, err = server.CreateChannel(ctx, *s.Channel)
	case s.Channel != nil:
		_, err = server.PutChannel(ctx, *s.Channel)
	case s.Service != nil && s.Action == manifest.ActionCreate:
		_, err = server.CreateService(ctx, *s.Service)
	case s.Service != nil:
		_, _, err = server.PutService(ctx, s.Name, *s.Service)
	case s.Route != nil && s.Action == manifest.ActionCreate:
		_, err = server.CreateRoute(ctx, *s.Route)
	case s.Route != nil:
		_, err = server.PutRoute(ctx, s.ID, *s.Route)
	case s.Maintenance != nil && s.Action == manifest.ActionCreate:
		_, err = server.CreateMaintenance(ctx, *s.Maintenance)
	case s.Maintenance != nil:
		_, err = server.PutMaintenance(ctx, s.ID, *s.Maintenance)
	}
	return err
}
