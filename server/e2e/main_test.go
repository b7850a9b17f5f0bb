package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"watchkeeper/server/app"
	"watchkeeper/server/config"
	"watchkeeper/server/store/storetest/pgtest"
)

// serveVariable makes the test binary be the server, so that it can be killed.
const serveVariable = "E2E_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) != "" {
		serve()
		return
	}
	goleak.VerifyTestMain(pgtest.Wrap(m))
}

// serve is the server in a process of its own, with the settings of its environment.
func serve() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	loaded, err := config.Load(config.Input{Environ: os.Environ()})
	if err == nil {
		err = app.Run(ctx, app.Options{
			Config: loaded.Config, Loaded: loaded, Version: "e2e", Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Ready: func(address string) { fmt.Println("listening", address) },
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
