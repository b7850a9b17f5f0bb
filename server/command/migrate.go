package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/server/app"
)

func (r *run) migrateCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "migrate", Short: "Bring the database up to date", Args: arguments(),
		Long: `Bring the schema of the database up to date with this program, and print the steps.

A start of the server does so by itself, unless it runs with --migrate=off. It is refused while a server runs.`,
		RunE: r.begin(func(c *cobra.Command, _ []string) error { return r.migrate(c) }),
	}
	settingFlags(c, "data", "database")
	return c
}

func (r *run) migrate(c *cobra.Command) error {
	o, err := r.databaseOptions(c)
	if err != nil {
		return err
	}
	steps, err := app.Migrate(c.Context(), o)
	for _, step := range steps {
		_, _ = fmt.Fprintln(r.Out, "done", step)
	}
	switch {
	case api.KindOf(err) == api.KindConflict:
		return refusal{err}
	case err != nil:
		return err
	}
	_, err = fmt.Fprintln(r.Out, "the database is up to date")
	return err
}
