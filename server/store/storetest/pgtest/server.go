// Package pgtest gives tests a real PostgreSQL: databases of their own on a server that one test process shares, and
// servers of their own that a test may stop, kill and start again. It finds the server programs of this machine (or
// those that `make postgres` unpacked), keeps everything in a temporary folder, listens on a Unix socket only, and
// leaves nothing behind, not even when the test process is killed.
//
// There is no skip: without PostgreSQL a test fails and says what to run. The databases belong to a role without
// special rights, as they do at home, and sort text by language, so that SQL which silently counts on byte order fails
// here and not there.
//
// Only tests and benchmarks import it. Nothing that knows our schema belongs here.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

const (
	superuser = "postgres"
	// owner owns the tests' databases and is no superuser.
	owner = "watchkeeper"
)

// Durability says what a server promises of its commits.
type Durability string

const (
	// Fast forgets commits when the machine stops; the default, for ordinary tests.
	Fast Durability = "fast"
	// Durable syncs every commit to disk as an installation does; for crash tests and benchmarks.
	Durable Durability = "durable"
)

// Options of a server; the zero value serves ordinary tests.
type Options struct {
	// Durability is Fast unless given.
	Durability Durability
	// Settings are further lines of postgresql.conf, by name; they win over ours.
	Settings map[string]string
	// Data is a folder that Save made, whose content the server begins with; it is not changed. Empty for nothing.
	Data string
}

// Server is a PostgreSQL server that belongs to this process.
type Server struct {
	binaries binaries
	folder   string
	// leash is the pipe whose end the watchdog waits for: closed by us or, however we die, by the kernel.
	leash    *os.File
	watchdog *exec.Cmd
}

// New makes and starts a server of its own. The caller closes it.
func New(ctx context.Context, options Options) (*Server, error) {
	found, err := findBinaries(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := makeFolder(found.user)
	if err != nil {
		return nil, err
	}
	s := &Server{binaries: found, folder: folder}
	if err := s.watch(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	if err := s.prepare(ctx, options); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// prepare makes the data folder, starts the server for the first time and makes the role that owns databases.
func (s *Server) prepare(ctx context.Context, options Options) error {
	fill := s.initialize
	if options.Data != "" {
		fill = func(ctx context.Context) error { return s.restore(ctx, options.Data) }
	}
	if err := fill(ctx); err != nil {
		return err
	}
	if err := s.configure(options); err != nil {
		return err
	}
	if err := s.Start(ctx); err != nil || options.Data != "" {
		return err
	}
	return execute(ctx, s.url(superuser, superuser), "create role "+owner+" login createdb")
}

func (s *Server) initialize(ctx context.Context) error {
	arguments := []string{
		"--pgdata", s.data(), "--username", superuser, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync",
	}
	if s.binaries.major >= firstWithICU {
		arguments = append(arguments, "--locale-provider", "icu", "--icu-locale", "en-US")
	}
	if _, err := s.binaries.run(ctx, s.folder, "initdb", arguments...); err != nil {
		return fmt.Errorf("making a PostgreSQL data folder: %w", err)
	}
	return nil
}

// configure appends the settings to postgresql.conf, where the last line of a name wins.
func (s *Server) configure(options Options) error {
	settings := map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": s.folder,
		"max_connections":         "200",
		"shared_buffers":          "32MB",
		// The zone that needs no zone files on the machine.
		"timezone":     "GMT",
		"log_timezone": "GMT",
	}
	switch options.Durability {
	case Durable:
		// Data saved by another server come with the settings of that one.
		settings["fsync"], settings["full_page_writes"], settings["synchronous_commit"] = "on", "on", "on"
		settings["shared_buffers"] = "256MB"
	case Fast, "":
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	default:
		return fmt.Errorf("unknown durability %q", options.Durability)
	}
	maps.Copy(settings, options.Settings)

	file, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("configuring PostgreSQL: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if _, err := fmt.Fprintf(file, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''")); err != nil {
			return errors.Join(fmt.Errorf("configuring PostgreSQL: %w", err), file.Close())
		}
	}
	return file.Close()
}

// Start starts the server again after Stop or Kill and returns when it accepts connections.
func (s *Server) Start(ctx context.Context) error {
	if err := s.control(ctx, "start", "-l", s.log()); err != nil {
		// pg_ctl only says "examine the log output".
		content, _ := os.ReadFile(s.log())
		return fmt.Errorf("%w: %s", err, content)
	}
	return nil
}

// Stop ends the server in good order: connections are cut, everything committed is on disk.
func (s *Server) Stop(ctx context.Context) error {
	return s.control(ctx, "stop", "-m", "fast")
}

// Kill ends the server as a crash would: connections are cut at once and the next Start recovers from the log.
func (s *Server) Kill(ctx context.Context) error {
	return s.control(ctx, "stop", "-m", "immediate")
}

// Close ends the server if it runs and removes everything it had.
func (s *Server) Close() error {
	if err := errors.Join(s.leash.Close(), s.watchdog.Wait()); err != nil {
		return fmt.Errorf("ending PostgreSQL: %w", err)
	}
	return nil
}

// Log returns what the server has written to its log so far.
func (s *Server) Log() (string, error) {
	content, err := os.ReadFile(s.log())
	return string(content), err
}

func (s *Server) control(ctx context.Context, command string, arguments ...string) error {
	arguments = append([]string{command, "-D", s.data(), "-w", "-t", "60"}, arguments...)
	_, err := s.binaries.run(ctx, s.folder, "pg_ctl", arguments...)
	return err
}

// watchdogScript waits for the end of its input, then ends the server, hard if need be, and removes the folder. The
// server takes its pid file away as the last thing it does.
const watchdogScript = `
cat >/dev/null
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
tries=0
while [ -e "$1/data/postmaster.pid" ] && kill -0 "$pid" 2>/dev/null; do
	tries=$((tries + 1))
	[ $tries -lt 200 ] || { kill -KILL "$pid"; break; }
	sleep 0.05
done
rm -rf "$1"
`

// watch starts the process that outlives us to clean up. It is tied to the process, not to a context.
func (s *Server) watch() error {
	input, leash, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making the watchdog's pipe: %w", err)
	}
	s.leash = leash
	s.watchdog = exec.Command("/bin/sh", "-c", watchdogScript, "watchdog", s.folder)
	s.watchdog.Stdin = input
	s.watchdog.Dir = "/"
	s.watchdog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	err = s.watchdog.Start()
	if closeErr := input.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errors.Join(fmt.Errorf("starting PostgreSQL's watchdog: %w", err), leash.Close())
	}
	return nil
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

func (s *Server) log() string { return filepath.Join(s.folder, "log") }

// url names a database of this server over its Unix socket.
func (s *Server) url(user, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.folder}}.Encode()
	return u.String()
}

// execute runs one statement over a connection of its own.
func execute(ctx context.Context, url, statement string) error {
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connecting to PostgreSQL: %w", err)
	}
	_, err = connection.Exec(ctx, statement)
	if err != nil {
		err = fmt.Errorf("executing %q: %w", statement, err)
	}
	return errors.Join(err, connection.Close(ctx))
}
