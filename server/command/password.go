package command

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"watchkeeper/server/app"
)

func (r *run) passwordCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "password", Short: "Show, set or replace the password of the server",
		Long: `Show, set or replace the password of the server, which may do everything.

It is kept in the database, sealed with the secret of the server, so these commands need the server's own settings: its
data folder, or its database and secret. The server may run meanwhile. A password that is set by WATCHKEEPER_PASSWORD
wins over the one in the database.`,
	}, r.passwordShowCommand(), r.passwordSetCommand(), r.passwordRotateCommand())
}

func (r *run) passwordShowCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "show", Short: "Print the password", Args: arguments(),
		RunE: r.begin(func(c *cobra.Command, _ []string) error {
			o, err := r.databaseOptions(c)
			if err != nil {
				return err
			}
			password, source, err := passwordOf(c.Context(), o)
			if err != nil {
				return err
			}
			if source != "" {
				r.say("This password is set by %s, which wins over the one in the database.", source)
			}
			_, err = fmt.Fprintln(r.Out, password)
			return err
		}),
	}
	settingFlags(c, databaseSettings...)
	return c
}

// passwordOf gives the password of the server whose settings these are, and what sets it if that is not the database.
func passwordOf(ctx context.Context, o app.DatabaseOptions) (password, source string, err error) {
	if o.Config.Password != "" {
		return o.Config.Password, o.Loaded.Source("password").String(), nil
	}
	err = withSecrets(ctx, o, func(d *app.Database) error {
		password, source, err = d.Passwords.Show(ctx)
		return err
	})
	return password, source, err
}

const keepOldHelp = "how long the former password stays good, such as 7d; it ends at once unless this is given"

func (r *run) passwordSetCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "set", Short: "Set the password that is typed or piped in", Args: arguments(),
		Long:    "Set the password. It is asked for on a terminal, or read from the standard input.",
		Example: "watchkeeper password set --keep-old 7d\nwatchkeeper password set < /run/secrets/password",
	}
	keepOld := durationFlag(c.Flags(), "keep-old", keepOldHelp)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		return r.changePassword(c, func(ctx context.Context, d *app.Database) error {
			password, err := r.secret("New password")
			if err != nil {
				return err
			}
			if err := d.Passwords.Set(ctx, password, keepOld.value); err != nil {
				return err
			}
			r.say("The password was set. %s", r.fate(keepOld))
			return nil
		})
	})
	settingFlags(c, databaseSettings...)
	return c
}

func (r *run) passwordRotateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "rotate", Short: "Replace the password by a new random one and print it", Args: arguments(),
		Example: "watchkeeper password rotate --keep-old 7d",
	}
	keepOld := durationFlag(c.Flags(), "keep-old", keepOldHelp)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		return r.changePassword(c, func(ctx context.Context, d *app.Database) error {
			password, err := d.Passwords.Rotate(ctx, keepOld.value)
			if err != nil {
				return err
			}
			r.say("The password was replaced. %s", r.fate(keepOld))
			_, err = fmt.Fprintln(r.Out, password)
			return err
		})
	})
	settingFlags(c, databaseSettings...)
	return c
}

// changePassword opens the database for a change, unless no change would have an effect.
func (r *run) changePassword(c *cobra.Command, do func(context.Context, *app.Database) error) error {
	o, err := r.databaseOptions(c)
	if err != nil {
		return err
	}
	if o.Config.Password != "" {
		return fmt.Errorf("the password is set by %s, which wins over the one in the database; change it there",
			o.Loaded.Source("password"))
	}
	return withSecrets(c.Context(), o, func(d *app.Database) error { return do(c.Context(), d) })
}

// fate says what becomes of the former password.
func (r *run) fate(keepOld *durationValue) string {
	if keepOld.value == 0 {
		return "The former one ends now."
	}
	return "The former one ends " + r.clock().full(r.now().Add(keepOld.value)) + "."
}
