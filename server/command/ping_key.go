package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"watchkeeper/server/app"
)

func (r *run) pingKeyCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "ping-key", Short: "Show or replace the key in ping URLs that name a service by its slug",
		Long: `Show or replace the key in ping URLs of the form /ping/KEY/SLUG. Whoever knows it may ping every service.

It is kept in the database, sealed with the secret of the server.`,
	}, r.pingKeyShowCommand(), r.pingKeyRotateCommand())
}

func (r *run) pingKeyShowCommand() *cobra.Command {
	return r.pingKeyPart("show", "Print the ping key", func(c *cobra.Command, d *app.Database) (string, error) {
		return d.PingKey.Show(c.Context())
	})
}

func (r *run) pingKeyRotateCommand() *cobra.Command {
	return r.pingKeyPart("rotate", "Replace the ping key by a new one and print it", func(c *cobra.Command, d *app.Database) (string, error) {
		key, err := d.PingKey.Rotate(c.Context())
		if err == nil {
			r.say("The ping key was replaced: URLs with the former one have ended. Those with the UUID of a service go on.")
		}
		return key, err
	})
}

func (r *run) pingKeyPart(use, short string, do func(*cobra.Command, *app.Database) (string, error)) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: arguments()}
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		o, err := r.databaseOptions(c)
		if err != nil {
			return err
		}
		return withSecrets(c.Context(), o, func(d *app.Database) error {
			key, err := do(c, d)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(r.Out, key)
			return err
		})
	})
	return c
}
