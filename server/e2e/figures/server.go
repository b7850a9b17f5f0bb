package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"watchkeeper/api"
	"watchkeeper/server/app"
	"watchkeeper/server/clock"
	"watchkeeper/server/config"
)

// The roles that serve.
const (
	roleServer   = "server"
	roleBaseline = "baseline"
)

const password = "correct horse battery staple"

// serverSettings is what a server is told.
type serverSettings struct {
	Data     string
	Database string // "" for SQLite
	TLS      config.TLS
	// Alerts is the URL that takes all alerts.
	Alerts string
	// At is where its clock begins, in milliseconds since 1970: a data set is as good as new for a server that lives
	// when it was made.
	At int64
}

// ready is what a server says when it serves.
type ready struct {
	Address string
	Ahead   int64 // how far its clock is ahead of the machine's, in milliseconds
}

// serve is the whole server, as main starts it.
func serve(ctx context.Context, c *conversation) error {
	var set serverSettings
	if err := c.hear(&set); err != nil {
		return err
	}
	ctx, commands := c.untilEnd(ctx)
	ctx, cancel := context.WithCancel(ctx)
	var profiling sync.WaitGroup
	profiling.Go(func() { profile(ctx, commands) })
	defer profiling.Wait()
	defer cancel()

	log, err := os.OpenFile(filepath.Join(set.Data, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	o := app.Options{
		Config: config.Default(), Version: "figures", Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	o.Config.Listen, o.Config.PublicURL = "127.0.0.1:0", "http://127.0.0.1"
	o.Config.Data, o.Config.Database, o.Config.TLS, o.Config.Password = set.Data, set.Database, set.TLS, password
	o.Config.Channels = []api.ChannelInput{{Name: alertType, Kind: api.ChannelWebhook, Settings: map[string]string{"url": set.Alerts}}}
	o.Config.Retention = config.Retention{} // what is measured stays
	var ahead time.Duration
	if set.At != 0 {
		ahead = time.Until(time.UnixMilli(set.At))
		o.Clock = shifted{clock.NewSystem(clock.Options{}), ahead}
	}
	o.Ready = func(address string) {
		if err := c.say(ready{Address: address, Ahead: ahead.Milliseconds()}); err != nil {
			slog.Error("nobody hears", "error", err)
		}
	}
	return app.Run(ctx, o)
}

// shifted is the clock of a server that lives at another time.
type shifted struct {
	*clock.System
	by time.Duration
}

// Now gives the time there.
func (c shifted) Now() time.Time { return c.System.Now().Add(c.by) }

// SetBase has nothing to do: a server that begins where a data set ends finds nothing in its future.
func (c shifted) SetBase(time.Time) error {
	return errors.New("the data set was used beyond the time at which this server begins")
}

// profile writes CPU profiles when it is told to.
func profile(ctx context.Context, commands <-chan command) {
	var file *os.File
	end := func() {
		if file != nil {
			pprof.StopCPUProfile()
			_ = file.Close()
			file = nil
		}
	}
	defer end()
	for {
		var next command
		select {
		case <-ctx.Done():
			return
		case next = <-commands:
		}
		end()
		if next.Profile == "" {
			continue
		}
		var err error
		if file, err = os.Create(next.Profile); err == nil {
			err = pprof.StartCPUProfile(file)
		}
		if err != nil {
			slog.Error("profiling failed", "error", err)
		}
	}
}

// serveBaseline is the least that a server in Go can do about a pulse: take the same JSON apart and answer with the same
// JSON. It keeps nothing.
func serveBaseline(ctx context.Context, c *conversation) error {
	var none struct{}
	if err := c.hear(&none); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	router := chi.NewRouter()
	router.Post("/heartbeat", bareHeartbeat)
	router.Post("/api/v1/events", bareEvent)
	server := &http.Server{Handler: router, ReadHeaderTimeout: 10 * time.Second}
	if err := c.say(ready{Address: listener.Addr().String()}); err != nil {
		return err
	}
	ctx, _ = c.untilEnd(ctx)
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the baseline: %w", err)
	}
	return nil
}

func bareHeartbeat(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Service, AlertType, AlertTarget string
		NextIn                          int64
	}
	type heartbeat struct {
		AlertTarget string `json:"alertTarget"`
		AlertType   string `json:"alertType"`
		Alerted     bool   `json:"alerted"`
		Cancelled   bool   `json:"cancelled"`
		Expected    int64  `json:"expected"`
		Last        int64  `json:"last"`
		NextIn      int64  `json:"nextIn"`
		Service     string `json:"service"`
	}
	bareAnswer(w, r, &in, func() any {
		last := time.Now().Unix()
		return struct {
			Action    string    `json:"action"`
			HeartBeat heartbeat `json:"heartBeat"`
			Result    int       `json:"result"`
		}{"pulse", heartbeat{
			AlertTarget: in.AlertTarget, AlertType: in.AlertType, Expected: last + in.NextIn, Last: last, NextIn: in.NextIn, Service: in.Service,
		}, http.StatusOK}
	})
}

// bareAnswer reads the JSON of a request into a value, and answers with the JSON of what follows from it.
func bareAnswer(w http.ResponseWriter, r *http.Request, in any, answer func() any) {
	if err := json.NewDecoder(r.Body).Decode(in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer())
}
