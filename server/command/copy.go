package command

import (
	"github.com/spf13/cobra"

	"watchkeeper/server/app"
)

func (r *run) copyCommand() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "copy --to URL", Short: "Copy everything into another, empty database", Args: arguments(),
		Long: `Copy everything into another, empty database while no server runs: from SQLite to PostgreSQL, or back. Names, ids,
ping URLs, tokens, the authority and all history stay as they are, and agents and clients notice nothing. In the
end both are compared. A copy that was interrupted goes on when it is run again.

The copy is sealed with the same secret: let the server use it with the same data folder, or set
WATCHKEEPER_SECRET to what secret.key holds.`,
		Example: "watchkeeper copy --to postgres://watchkeeper:PASSWORD@db.example.org/watchkeeper\n" +
			"watchkeeper copy --database postgres://... --to /var/lib/watchkeeper",
	}
	c.Flags().StringVar(&to, "to", "", "the database to copy into: a `url` postgres://user:password@host/name, or a folder for SQLite")
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		if to == "" {
			return wrongUsage("name the database to copy into with --to")
		}
		o, err := r.databaseOptions(c)
		if err != nil {
			return err
		}
		defer interruptible(c)()
		p := r.progress()
		done, err := app.Copy(c.Context(), app.CopyOptions{DatabaseOptions: o, To: to, Report: p.report})
		p.end()
		if err != nil {
			return refused(err)
		}
		r.say("Copied %d rows of %d tables and compared them. Start the server on the %s database now.", done.Rows, done.Tables, done.Engine)
		return nil
	})
	return c
}
