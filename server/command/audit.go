package command

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/server/app"
)

func (r *run) auditCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "audit", Short: "List who changed what",
		Long: `List who changed what: configuration, credentials, silences, maintenance, routes, acknowledgements and pauses.

These commands open the database of the server's settings; the server may run meanwhile. Whether the rows are what was
written is checked by: watchkeeper verify`,
	}, r.auditListCommand())
}

func (r *run) auditListCommand() *cobra.Command {
	var filter api.AuditFilter
	from, to := momentValue{now: r.now, sign: -1}, momentValue{now: r.now, sign: -1}
	asJSON, kind := false, ""
	c := &cobra.Command{
		Use: "list", Short: "List the audit, the newest first", Args: arguments(),
		Example: "watchkeeper audit list --action token --from 7d\nwatchkeeper audit list --actor ops",
	}
	f := c.Flags()
	f.StringVar(&filter.Action, "action", "", "only this `action`, such as token.create, or all of a noun, such as token")
	f.StringVar(&kind, "actor-kind", "", "only by this `kind` of actor: token, password, link, command, server")
	f.StringVar(&filter.Actor, "actor", "", "only by the token or system user with this `name`")
	f.StringVar(&filter.Subject, "subject", "", "only of what has this `name` or id")
	f.Var(&from, "from", "only at or after: a duration back from now such as 2h, or a time such as 2026-01-31T08:00:00Z")
	f.Var(&to, "to", "only at or before, in the same forms")
	f.IntVar(&filter.Limit, "limit", api.DefaultLimit, "at most so `many`; 0 means all")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	settingFlags(c, "data", "database")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		filter.ActorKind, filter.From, filter.To = api.ActorKind(kind), from.value, to.value
		if kind != "" && !filter.ActorKind.Valid() {
			return wrongUsage("--actor-kind must be one of token, password, link, command, server")
		}
		o, err := r.databaseOptions(c)
		if err != nil {
			return err
		}
		return withDatabase(c.Context(), o, func(d *app.Database) error {
			rows, err := auditRows(c, d, filter)
			switch {
			case err != nil:
				return err
			case asJSON:
				return r.encode(api.NewPage(rows, ""))
			}
			return r.printAudit(rows)
		})
	})
	return c
}

// auditRows gives the rows that fit, at most as many as the filter says.
func auditRows(c *cobra.Command, d *app.Database, f api.AuditFilter) ([]api.AuditRow, error) {
	var all []api.AuditRow
	limit := f.Limit
	for {
		f.Limit = api.MaxLimit
		if limit > 0 {
			f.Limit = min(f.Limit, limit-len(all))
		}
		rows, err := d.Audit.List(c.Context(), f)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if len(rows) < f.Limit || len(all) == limit {
			return all, nil
		}
		f.Before = rows[len(rows)-1].ID
	}
}

func (r *run) printAudit(rows []api.AuditRow) error {
	t := r.page().table("TIME", "WHO", "FROM", "ACTION", "SUBJECT", "DETAIL", "ID")
	for _, a := range rows {
		t.row(t.clock.stamp(a.At), whoOf(a.Actor), cmp.Or(a.Actor.Address, "-"), string(a.Action), cmp.Or(a.Subject, "-"), string(a.Detail), count(int(a.ID)))
	}
	return t.flush("There are none.")
}

// whoOf names an actor, and how they are known where the name alone would mislead.
func whoOf(a api.Actor) string {
	switch a.Kind {
	case api.ActorToken:
		return "token " + a.Name
	case api.ActorCommand:
		return a.Name + ": " + a.Ref
	case api.ActorLink:
		return strings.TrimSpace("link " + a.Name)
	}
	return a.Name
}

var auditHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

func (r *run) verifyCommand() *cobra.Command {
	expect, asJSON := "", false
	c := &cobra.Command{
		Use: "verify", Short: "Check that nobody has changed the audit", Args: arguments(),
		Long: `Check that nobody has changed the audit: that every row has the content that was written, follows the one before it, and
that the last one is the last that was written, which is sealed with the secret of the server. The first row that is
wrong or missing is named, and the exit code is then 1.

Somebody who puts back an older copy of the whole database goes unnoticed, unless the hash that this command prints was
noted elsewhere before: --expect looks for it.`,
		Example: "watchkeeper verify --expect 5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
	}
	c.Flags().StringVar(&expect, "expect", "", "a `hash` that a check before has printed, and that must still be there")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		expect = strings.ToLower(strings.TrimSpace(expect))
		if expect != "" && !auditHash.MatchString(expect) {
			return wrongUsage("--expect must be a hash as this command prints it: 64 hexadecimal digits")
		}
		o, err := r.databaseOptions(c)
		if err != nil {
			return err
		}
		return withSecrets(c.Context(), o, func(d *app.Database) error {
			check, err := d.Audit.Verify(c.Context(), expect)
			if err != nil {
				return err
			}
			return r.printCheck(check, asJSON)
		})
	})
	return c
}

func (r *run) printCheck(check api.AuditCheck, asJSON bool) error {
	if asJSON {
		if err := r.encode(check); err != nil {
			return err
		}
	} else if err := r.describeCheck(check); err != nil {
		return err
	}
	if check.Broken == nil {
		return nil
	}
	r.say("watchkeeper: the audit was changed: row %d %s", check.Broken.Row, check.Broken.Reason)
	return errAmiss
}

func (r *run) describeCheck(check api.AuditCheck) error {
	p := r.page()
	if check.Rows > 0 {
		p.line("%s what was written, from %s to %s.", rowsOf(check.Rows), p.clock.stamp(check.From), p.clock.stamp(check.To))
	}
	if check.Expected > 0 {
		p.line("Row %d has the expected hash.", check.Expected)
	}
	if check.Broken == nil {
		p.line("The last of them is the last that was written. Its hash, to be noted elsewhere for --expect:")
		p.line("%s", check.Head)
	}
	return p.flush()
}

func rowsOf(n int64) string {
	if n == 1 {
		return "1 row of the audit is"
	}
	return count(int(n)) + " rows of the audit are"
}
