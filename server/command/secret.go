package command

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/server/app"
)

func (r *run) secretCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "secret", Short: "Replace the secret that seals keys and passwords",
		Long: "Replace the secret that seals keys and passwords in the database: what WATCHKEEPER_SECRET says, or secret.key of the\n" +
			"data folder holds.",
	}, r.secretRotateCommand())
}

func (r *run) secretRotateCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "rotate", Short: "Replace the secret and seal everything anew", Args: arguments(),
		Long: `Replace the secret by a new one and seal everything anew that is sealed in the database, all or nothing.

A secret that is kept in the data folder is made anew and replaced there; a server that runs goes on with it.
One that a setting gives is replaced by what --to-file holds: set that for all servers, and restart them.`,
		Example: "watchkeeper secret rotate\nwatchkeeper secret rotate --to-file /run/secrets/new",
	}
	c.Flags().StringVar(&file, "to-file", "", "the `file` that holds the new secret, at least 16 bytes; a random one is made without")
	yes := consentFlag(c.Flags())
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		var o app.RotateOptions
		var err error
		if o.DatabaseOptions, err = r.databaseOptions(c); err != nil {
			return err
		}
		if file != "" {
			text, err := os.ReadFile(file)
			if err != nil {
				return wrongUsage("the new secret cannot be read: %w", err)
			}
			o.Text = strings.TrimRight(string(text), "\r\n")
		} else if o.Config.Secret != "" {
			return wrongUsage("the secret is set by %s and cannot be replaced there from here: name the new one with --to-file", o.Loaded.Source("secret"))
		}
		if err := r.agreeToRotate(c.Context(), o, yes); err != nil {
			return err
		}
		return r.rotateSecret(c.Context(), o)
	})
	return c
}

// agreeToRotate asks where servers run that cannot go on with the new secret by themselves.
func (r *run) agreeToRotate(ctx context.Context, o app.RotateOptions, yes *consent) error {
	if o.Config.Secret == "" && o.Config.Database == "" {
		return nil
	}
	var alive []string
	err := withDatabase(ctx, o.DatabaseOptions, func(d *app.Database) (err error) {
		alive, err = d.ServersAlive(ctx)
		return err
	})
	if err != nil || len(alive) == 0 {
		return err
	}
	return r.confirm(fmt.Sprintf("Servers run (%s). Those that do not share this data folder's secret.key know no password and send no "+
		"message through a channel until they are restarted with the new secret. Replace it?", strings.Join(alive, ", ")), yes)
}

func (r *run) rotateSecret(ctx context.Context, o app.RotateOptions) error {
	done, err := app.RotateSecret(ctx, o)
	if err != nil {
		return err
	}
	r.say("The secret was replaced and %d values are sealed anew.", done.Sealed)
	if !done.Kept {
		r.say("Set the new one where the former one is set by %s, and restart the servers.", o.Loaded.Source("secret"))
	}
	r.say("Backups that were made --without-secret can only be used with the former one; make a new backup.")
	return nil
}
