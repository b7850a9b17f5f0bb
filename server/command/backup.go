package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"watchkeeper/api"
	"watchkeeper/server/app"
)

func (r *run) backupCommand() *cobra.Command {
	var o app.BackupOptions
	c := &cobra.Command{
		Use: "backup FILE", Short: "Write a backup, also while the server runs", Args: arguments("FILE"),
		Long: `Write a backup of the server into one file, also while the server runs: everything that it keeps, as of one
moment, and the secret that seals passwords and keys. The file is a tar archive compressed with zstd and
readable by its owner only: whoever has it has everything. - writes it to the standard output.

Of a PostgreSQL database it holds the secret and the settings, and the command that copies the database is
printed.`,
		Example: "watchkeeper backup /var/backups/watchkeeper.tar.zst\nwatchkeeper backup - | ssh other 'cat > watchkeeper.tar.zst'",
	}
	c.Flags().BoolVar(&o.WithoutSecret, "without-secret", false, "leave the secret out; without it the backup is of no use")
	yes := consentFlag(c.Flags())
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		var err error
		if o.DatabaseOptions, err = r.databaseOptions(c); err != nil {
			return err
		}
		return r.backup(c, o, args[0], yes)
	})
	return c
}

func (r *run) backup(c *cobra.Command, o app.BackupOptions, path string, yes *consent) error {
	o.Version = r.Version
	if path == "-" {
		if f, ok := r.Out.(*os.File); ok && isTerminal(f) {
			return wrongUsage("a backup is not for a terminal: redirect the standard output, or name a file")
		}
		o.Out = r.Out
	} else {
		o.Path = path
		if _, err := os.Stat(path); err == nil {
			if err := r.confirm(fmt.Sprintf("%s is there already. Replace it?", path), yes); err != nil {
				return err
			}
		}
	}
	defer interruptible(c)()
	p := r.progress()
	o.Report = p.report
	m, err := app.Backup(c.Context(), o)
	p.end()
	if err != nil {
		return refused(err)
	}
	r.say("The backup is written and checked: %s", contentsOf(m))
	if m.Engine != "sqlite" {
		r.say("It holds the secret and the settings only. The database is copied with:")
		r.say("  %s", app.DumpLine(o.Config.Database))
	}
	return nil
}

// contentsOf says in a few words what a backup holds.
func contentsOf(m app.Manifest) string {
	if m.Engine == "sqlite" {
		return fmt.Sprintf("%d services, %d events, of %s", m.Rows["service"], m.Rows["event"], m.Created.Std().UTC().Format("2006-01-02 15:04:05 MST"))
	}
	var names []string
	for _, f := range m.Files {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

func (r *run) restoreCommand() *cobra.Command {
	var dryRun, onlyMark bool
	c := &cobra.Command{
		Use: "restore FILE", Short: "Put a backup in place of what is there", Args: arguments("[FILE]"),
		Long: `Put what a backup holds into the data folder, while no server runs on it. What is there is moved into a
folder beside it and kept. Everything is checked before anything is changed. - reads the backup from the
standard input.

Afterwards no service is blamed for the time that was lost: each has its whole time again to give a sign of
life. Messages that were unsent when the backup was made are not sent; clients that follow a list or a stream
begin it again.

--mark applies these rules to a database that was restored by other means, such as pg_restore.`,
		Example: "watchkeeper restore /var/backups/watchkeeper.tar.zst --dry-run\nwatchkeeper restore --mark --database postgres://...",
	}
	f := c.Flags()
	f.BoolVar(&dryRun, "dry-run", false, "check the backup and say what would be done")
	f.BoolVar(&onlyMark, "mark", false, "apply the rules to the database of the settings, which was restored by other means")
	yes := consentFlag(f)
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		if onlyMark == (len(args) == 1) {
			return wrongUsage("name the backup, or say --mark for a database that was restored by other means")
		}
		o, err := r.databaseOptions(c)
		switch {
		case err != nil:
			return err
		case onlyMark:
			return r.mark(c, o, dryRun, yes)
		}
		return r.restore(c, app.RestoreOptions{DatabaseOptions: o}, args[0], func(plan app.RestorePlan) error {
			return r.agreeToRestore(plan, dryRun, yes)
		})
	})
	return c
}

// errDryRun ends what was only to be tried.
var errDryRun = errors.New("nothing was changed")

func (r *run) restore(c *cobra.Command, o app.RestoreOptions, path string, agree func(app.RestorePlan) error) error {
	o.Backup = r.In
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return refusal{fmt.Errorf("the backup cannot be read: %w", err)}
		}
		defer f.Close()
		o.Backup = f
	}
	defer interruptible(c)()
	p := r.progress()
	o.Report = p.report
	o.Agree = func(plan app.RestorePlan) error {
		p.end()
		return agree(plan)
	}
	done, err := app.Restore(c.Context(), o)
	p.end()
	switch {
	case errors.Is(err, errDryRun):
		r.say("Nothing was changed.")
		return nil
	case err != nil:
		return refused(err)
	}
	if done.Aside != "" {
		r.say("What was there is in %s. Remove it when you are sure.", done.Aside)
	}
	r.sayRestored(done)
	return nil
}

func (r *run) agreeToRestore(plan app.RestorePlan, dryRun bool, yes *consent) error {
	folder, err := filepath.Abs(plan.Folder)
	if err != nil {
		folder = plan.Folder
	}
	r.say("The backup is whole: %s, by watchkeeper %s.", contentsOf(plan.Backup), plan.Backup.Version)
	if len(plan.Replaces) > 0 {
		r.say("In %s it replaces %s.", folder, strings.Join(plan.Replaces, ", "))
	} else {
		r.say("It goes into %s, where no database is.", folder)
	}
	if dryRun {
		return errDryRun
	}
	if len(plan.Replaces) == 0 {
		return nil
	}
	return r.confirm("What happened since the backup will be gone. Restore it?", yes)
}

func (r *run) mark(c *cobra.Command, o app.DatabaseOptions, dryRun bool, yes *consent) error {
	if dryRun {
		return wrongUsage("--mark cannot be tried: it changes the database or does nothing")
	}
	if err := r.confirm("Unsent messages will be ended and every position that clients hold become void. Was this database restored?", yes); err != nil {
		return err
	}
	done, err := app.MarkRestored(c.Context(), o)
	if err != nil {
		return refused(err)
	}
	r.sayRestored(done)
	return nil
}

// sayRestored says what a restore did and what is left to do.
func (r *run) sayRestored(done app.Restoration) {
	if done.From > 0 {
		r.say("Everything since %s is lost. No service is blamed for it.", done.From.Std().In(r.Zone).Format("2006-01-02 15:04:05 MST"))
	}
	if done.Deliveries > 0 {
		r.say("%d messages that were unsent then are not sent any more: watchkeeper delivery list", done.Deliveries)
	}
	r.say("The installation is now of generation %d.", done.Generation)
	r.say("Repeat what was revoked or changed since the backup: tokens, passwords, the ping key.")
}

// refused lets what cannot be done now, or not with this, be a refusal.
func refused(err error) error {
	switch {
	case errors.Is(err, errAmiss), errors.As(err, new(usageError)):
		return err
	case errors.Is(err, fs.ErrPermission), errors.Is(err, fs.ErrNotExist),
		api.KindOf(err) == api.KindConflict, api.KindOf(err) == api.KindInvalid:
		return refusal{err}
	}
	return err
}
