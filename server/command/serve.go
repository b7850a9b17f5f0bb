package command

import (
	"context"
	"errors"
	"log/slog"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"watchkeeper/server/app"
	"watchkeeper/server/config"
)

func (r *run) serveCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "serve", Short: "Run the server", Args: arguments(),
		Long: `Run the server until SIGTERM or Ctrl-C; a second signal ends it at once.

Every setting is a flag, an environment variable and a key of the YAML file: --tls-names, WATCHKEEPER_TLS_NAMES and
tls_names. A flag wins over a variable, a variable over the file, the file over the default. Every variable also exists
with _FILE at its end and then names a file that holds the value. Durations are written 2s, 5m, 25h or 14d, sizes 64MiB.`,
		Example: `watchkeeper serve --data /var/lib/watchkeeper
WATCHKEEPER_DATABASE_FILE=/run/secrets/database watchkeeper serve --config /etc/watchkeeper.yaml`,
		RunE: r.begin(func(c *cobra.Command, _ []string) error { return r.serve(c) }),
	}
	c.Flags().SortFlags = false
	config.Flags(c.Flags())
	return c
}

func (r *run) serve(c *cobra.Command) error {
	loaded, err := r.settings(c)
	if err != nil {
		return err
	}
	log, err := r.log(loaded.Config)
	if err != nil {
		return err
	}
	for _, w := range loaded.Warnings {
		log.Warn(w)
	}
	app.InstallDialer(loaded.Config)

	ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal does what it does to any program
	ended := make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, app.Options{Config: loaded.Config, Loaded: loaded, Version: r.Version, Log: log, Out: r.Out})
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return stopped(log, err)
	case <-time.After(stopPatience):
		log.Error("stopping took too long and was broken off; what was acknowledged is stored", "after", stopPatience.String())
		return nil
	}
}

// stopped gives what a stop that was asked for ends with. What was broken off by it, such as a migration at the start, has
// not failed.
func stopped(log *slog.Logger, err error) error {
	if errors.Is(err, context.Canceled) {
		log.Warn("stopped before the start was complete", "cause", err)
		return nil
	}
	return err
}

// stopPatience is just under what is promised to whoever sent the signal.
const stopPatience = 9800 * time.Millisecond
