package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/server/app"
)

func (r *run) migrateCommand() *cobra.Command {
	withoutCopy := false
	c := &cobra.Command{
		Use: "migrate", Short: "Bring the database up to date", Args: arguments(),
		Long: `Bring the schema of the database up to date with this program, and print the steps.

A start of the server does so by itself, unless it runs with --migrate=off. It is refused while a server runs.
An SQLite database is copied beside itself first, as watchkeeper.db.before- and the number of the new schema.`,
		RunE: r.begin(func(c *cobra.Command, _ []string) error { return r.migrate(c, app.MigrateOptions{Copy: !withoutCopy}) }),
	}
	c.Flags().BoolVar(&withoutCopy, "without-copy", false, "make no copy before, as where there is no room for one")
	settingFlags(c, "data", "database")
	return c
}

func (r *run) migrate(c *cobra.Command, how app.MigrateOptions) error {
	o, err := r.databaseOptions(c)
	if err != nil {
		return err
	}
	defer interruptible(c)()
	p := r.progress()
	how.Report = p.report
	steps, err := app.Migrate(c.Context(), o, how)
	p.end()
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
