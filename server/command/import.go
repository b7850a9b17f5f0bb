package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"watchkeeper/server/app"
)

func (r *run) importCommand() *cobra.Command {
	return noun(&cobra.Command{
		Use: "import", Short: "Bring what another program kept",
	}, r.importWatchTowerCommand())
}

func (r *run) importWatchTowerCommand() *cobra.Command {
	var zone string
	dryRun := false
	c := &cobra.Command{
		Use: "watchtower FOLDER", Short: "Bring what a watchTower server kept", Args: arguments("FOLDER"),
		Long: `Bring the services, their pulses, the events and the password out of the folder of a watchTower server, which
holds config/config.json, data/beats and data/events. The server of Watchkeeper may run meanwhile.

A service that was still expected when the records end is watched from now on, and has its whole nextIn to pulse
here; one that was declared dead is down and nobody is told again; one that was cancelled or forgotten waits for
its next pulse. A service that is there already stays as it is. Lines that cannot be read are listed. What was
brought is not brought again when the command is repeated.

What belongs into the settings file, such as saved searches and addresses to look at, is printed.`,
		Example: "watchkeeper import watchtower /opt/watchTower --zone Europe/Paris --dry-run\n" +
			"watchkeeper import watchtower /opt/watchTower --zone Europe/Paris > settings.yaml",
	}
	c.Flags().StringVar(&zone, "zone", "", "the `zone` of the times in its files, such as Europe/Paris; default the setting time_zone")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "read everything and say what would be brought")
	settingFlags(c, databaseSettings...)
	c.RunE = r.begin(func(c *cobra.Command, args []string) error {
		o, err := r.databaseOptions(c)
		if err != nil {
			return err
		}
		in := app.ImportOptions{DatabaseOptions: o, Folder: args[0], Zone: o.Config.TimeZone, Try: dryRun}
		if zone != "" {
			if in.Zone, err = time.LoadLocation(zone); err != nil {
				return wrongUsage("--zone: there is no zone %q", zone)
			}
		}
		return r.importWatchTower(c, in)
	})
	return c
}

// maxUnread is how many lines that cannot be read are listed; of the others it is said how many there are.
const maxUnread = 1000

func (r *run) importWatchTower(c *cobra.Command, o app.ImportOptions) error {
	defer interruptible(c)()
	p := r.progress()
	o.Report = p.report
	unread := 0
	o.Unread = func(u app.Unread) {
		if unread++; unread <= maxUnread {
			p.end()
			r.say("cannot be read: %s", u)
		}
	}
	done, err := app.ImportWatchTower(c.Context(), o)
	p.end()
	if err != nil {
		return refused(err)
	}
	if unread > maxUnread {
		r.say("and %d more", unread-maxUnread)
	}
	verb := "Brought"
	if o.Try {
		verb = "Nothing was changed. There are"
	}
	r.say("%s %d services (watchTower had %s), %d pulses and %d events; %d events were there already, %d lines cannot be read.",
		verb, done.New, fatesOf(done), done.Pulses, done.Events, done.Repeated, unread)
	if done.Password != "" {
		r.say("Note: %s.", done.Password)
	}
	if done.Settings == "" {
		return nil
	}
	r.say("For the settings file, which --config or WATCHKEEPER_CONFIG names:")
	_, err = fmt.Fprint(r.Out, done.Settings)
	return err
}

// fatesOf says what became of the services in watchTower.
func fatesOf(done app.Imported) string {
	text := ""
	for _, fate := range app.Fates {
		if text != "" {
			text += ", "
		}
		text += fmt.Sprintf("%d %s", done.Services[fate], fate)
	}
	return text
}
