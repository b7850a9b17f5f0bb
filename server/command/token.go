package command

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/server/app"
)

func (r *run) tokenCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "token", Short: "Create, list and revoke tokens",
		Long: `Create, list and revoke tokens: credentials with a name that may do some things and not others.

Only a hash of a token is kept. These commands open the database of the server's settings; the server may run meanwhile.`,
	}, r.tokenCreateCommand(), r.tokenListCommand(), r.tokenRevokeCommand())
}

func (r *run) tokenCreateCommand() *cobra.Command {
	var in api.TokenInput
	var scopes []string
	expires := momentValue{now: r.now, sign: 1}
	c := &cobra.Command{
		Use: "create --name NAME --scope SCOPE[,SCOPE]", Short: "Make a token and print it on the last line", Args: arguments(),
		Long: `Make a token and print it, alone on the last line. It is shown this once and cannot be had again.

Scopes: read (everything), pulse, event and metrics (send them), operate (acknowledge,
silence, maintenance, pause; includes read), jobs, admin (everything).`,
		Example: `watchkeeper token create --name backup --scope pulse,event --match 'backup/*' --expires 365d`,
	}
	f := c.Flags()
	f.StringVar(&in.Name, "name", "", "the person or script that will use it")
	f.StringSliceVar(&scopes, "scope", nil, "what it may do, separated by commas")
	f.StringVar(&in.Match, "match", "", "names of services and hosts that it reaches, * standing for any text; all unless given")
	f.Var(&expires, "expires", "when it ends: a duration from now such as 365d, or a time such as 2026-12-31T00:00:00Z; never unless given")
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		for _, s := range scopes {
			in.Scopes = append(in.Scopes, api.Scope(strings.TrimSpace(s)))
		}
		in.ExpiresAt = expires.value
		if err := in.Validate(); err != nil {
			return err
		}
		return r.tokens(c, withSecrets, func(d *app.Database) error {
			text, token, err := d.Tokens.Create(c.Context(), in)
			if err != nil {
				return err
			}
			return r.printToken(text, token)
		})
	})
	return c
}

func (r *run) printToken(text string, token api.Token) error {
	p := r.page()
	p.fields(
		field{"name", token.Name},
		field{"id", token.ID},
		field{"scopes", scopesOf(token)},
		field{"reaches", reachOf(token)},
		field{"ends", r.clock().full(token.ExpiresAt.Std())},
	)
	p.line("")
	p.line("%s", text)
	return p.flush()
}

func (r *run) tokenListCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{Use: "list", Short: "List the tokens, without their texts", Args: arguments()}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	settingFlags(c, "data", "database")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		return r.tokens(c, withDatabase, func(d *app.Database) error {
			list, err := d.Tokens.List(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(r.Out).Encode(api.NewPage(list, ""))
			}
			t := r.page().table("NAME", "SCOPES", "REACHES", "LAST USED", "ENDS", "ID")
			for _, token := range list {
				t.row(token.Name, scopesOf(token), reachOf(token), t.clock.short(token.LastUsed), t.clock.short(token.ExpiresAt), token.ID)
			}
			return t.flush("There are no tokens; make one with: watchkeeper token create")
		})
	})
	return c
}

func (r *run) tokenRevokeCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "revoke ID|NAME", Short: "End a token, or all with a name", Args: arguments("ID or NAME"),
		Long: "End the token with an id, or all tokens with a name. Every server refuses them within 5 seconds.",
	}
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		return r.tokens(c, withSecrets, func(d *app.Database) error {
			gone, err := d.Tokens.Revoke(c.Context(), args[0])
			for _, token := range gone {
				_, _ = fmt.Fprintf(r.Out, "revoked %s (%s)\n", shown(token.Name), token.ID)
			}
			return err
		})
	})
	return c
}

// opening is withDatabase, or withSecrets for what is recorded in the audit.
type opening func(context.Context, app.DatabaseOptions, func(*app.Database) error) error

func (r *run) tokens(c *cobra.Command, open opening, do func(*app.Database) error) error {
	o, err := r.databaseOptions(c)
	if err != nil {
		return err
	}
	return open(c.Context(), o, do)
}

func scopesOf(t api.Token) string {
	names := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

func reachOf(t api.Token) string {
	if t.Match == "" {
		return "everything"
	}
	return t.Match
}
