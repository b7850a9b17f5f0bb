package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthPatience is below what containers allow for a check.
const healthPatience = 4 * time.Second

func (r *run) healthcheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "healthcheck", Short: "Ask whether the server on this machine lives; exits 0 or 1", Args: arguments(),
		Long: `Ask /healthz of the server on this machine, at the address and in the TLS mode of its settings. Exits 0 when it lives,
else 1. With --ready it is /readyz that is asked: whether the server can serve, which it cannot while it migrates or
when its database is away.`,
	}
	ready := c.Flags().Bool("ready", false, "ask whether the server can serve")
	c.RunE = r.begin(func(c *cobra.Command, _ []string) error {
		path, state := "/healthz", "healthy"
		if *ready {
			path, state = "/readyz", "ready"
		}
		if err := r.checkHealth(c, path); err != nil {
			return fmt.Errorf("not %s: %w", state, err)
		}
		_, err := fmt.Fprintln(r.Out, state)
		return err
	})
	settingFlags(c, "data", "listen", "tls")
	return c
}

func (r *run) checkHealth(c *cobra.Command, path string) error {
	loaded, err := r.settings(c)
	if err != nil {
		return errors.New(err.Error()) // not the exit code of wrong usage
	}
	ctx, cancel := context.WithTimeout(c.Context(), healthPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, localURL(loaded.Config)+path, nil)
	if err != nil {
		return err
	}
	transport := &http.Transport{
		// Nothing is told to the server, and of it only that it answers; its certificate may be for any name.
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec
		DisableKeepAlives: true,
	}
	answer, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return err
	}
	_ = answer.Body.Close() // it was not read, and the connection is not used again
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", request.URL, answer.Status)
	}
	return nil
}
