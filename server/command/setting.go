package command

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"watchkeeper/server/config"
)

// settingFlags adds the flags of some settings, by name, and that of the settings file.
func settingFlags(c *cobra.Command, names ...string) {
	all := pflag.NewFlagSet("settings", pflag.ContinueOnError)
	config.Flags(all)
	for _, name := range append(names, config.FileFlag) {
		f := all.Lookup(name)
		share(f)
		c.Flags().AddFlag(f)
	}
}

// databaseSettings are the flags of commands that open the database.
var databaseSettings = []string{"data", "database", "secret"}

// settings gathers the settings of the server.
func (r *run) settings(c *cobra.Command) (*config.Loaded, error) {
	loaded, err := config.Load(config.Input{Flags: c.Flags(), Environ: r.Environ})
	if err != nil {
		return nil, wrongUsage("settings cannot be used:\n%w", err)
	}
	return loaded, nil
}

// settingsAloud is settings for commands without a log: what is worth a line is said.
func (r *run) settingsAloud(c *cobra.Command) (*config.Loaded, error) {
	loaded, err := r.settings(c)
	if err != nil {
		return nil, err
	}
	for _, w := range loaded.Warnings {
		r.say("watchkeeper: warning: %s", w)
	}
	return loaded, nil
}

// log gives the log of the server.
func (r *run) log(c config.Config) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	switch c.LogFormat {
	case config.LogText:
		return slog.New(slog.NewTextHandler(r.Err, options)), nil
	case config.LogJSON:
		return slog.New(slog.NewJSONHandler(r.Err, options)), nil
	}
	return nil, fmt.Errorf("there is no log format %q", c.LogFormat)
}
