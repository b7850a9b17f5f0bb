package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds what is done outside a test's own context, such as dropping its database. Starting a server takes a
// second, and minutes where many programs want the same processors.
const patience = 5 * time.Minute

// Start starts a server of its own for one test, which may stop, kill and start it; it goes away with the test.
func Start(tb testing.TB, options Options) *Server {
	tb.Helper()
	server, err := New(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	return server
}

// Database makes an empty database on the server that this test process shares and returns its URL. It is dropped
// when the test ends; connections that are still open then are cut.
func Database(tb testing.TB) string {
	tb.Helper()
	return database(tb, "template1")
}

// Database makes an empty database on this server and returns its URL. It goes away with the server.
func (s *Server) Database(tb testing.TB) string {
	tb.Helper()
	name := newName()
	if err := s.home().create(tb.Context(), name, "template1"); err != nil {
		tb.Fatal(err)
	}
	return s.home().url(name)
}

// Template is a database that is filled once per test process and copied for each test, which is faster than filling
// one for each.
type Template struct {
	fill func(ctx context.Context, url string) error
	once sync.Once
	name string
	err  error
}

// NewTemplate returns a template that fill fills when it is first needed. fill closes its connections before it
// returns, because PostgreSQL copies no database that is in use.
func NewTemplate(fill func(ctx context.Context, url string) error) *Template {
	return &Template{fill: fill}
}

// Database makes a copy of the template on the shared server and returns its URL. It is dropped when the test ends.
func (t *Template) Database(tb testing.TB) string {
	tb.Helper()
	t.once.Do(func() { t.err = t.make() })
	if t.err != nil {
		tb.Fatalf("filling the template database: %v", t.err)
	}
	return database(tb, t.name)
}

// make is tied to the process, not to the test that happens to come first.
func (t *Template) make() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	home, err := shared.get(ctx)
	if err != nil {
		return err
	}
	t.name = newName()
	if err := home.create(ctx, t.name, "template1"); err != nil {
		return err
	}
	shared.dropAtEnd(t.name)
	return t.fill(ctx, home.url(t.name))
}

func database(tb testing.TB, template string) string {
	tb.Helper()
	home, err := shared.get(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	name := newName()
	if err := home.create(tb.Context(), name, template); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := home.drop(name); err != nil {
			tb.Error(err)
		}
	})
	return home.url(name)
}

func newName() string {
	return "wktest_" + strings.ToLower(rand.Text()[:16])
}

// home is where databases can be made: a server of ours or the one that TEST_DATABASE_URL names.
type home struct {
	admin string
	// owner is the role that gets new databases, empty for the one that makes them.
	owner string
	url   func(database string) string
}

func (s *Server) home() home {
	return home{
		admin: s.url(superuser, superuser),
		owner: owner,
		url:   func(database string) string { return s.url(owner, database) },
	}
}

// external returns the home that a URL of the user's own names; its user owns the databases and may create them.
func external(raw string) (home, error) {
	parsed, err := url.Parse(raw)
	if err != nil || (parsed.Scheme != "postgres" && parsed.Scheme != "postgresql") {
		return home{}, errors.New("TEST_DATABASE_URL must be a URL that begins with postgres://")
	}
	return home{
		admin: raw,
		url: func(database string) string {
			copied := *parsed
			copied.Path = "/" + database
			return copied.String()
		},
	}, nil
}

func (h home) create(ctx context.Context, name, template string) error {
	statement := fmt.Sprintf("create database %s template %s", name, template)
	if h.owner != "" {
		statement += " owner " + h.owner
	}
	return execute(ctx, h.admin, statement)
}

// drop works without the test's context, which has ended by then.
func (h home) drop(name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return execute(ctx, h.admin, fmt.Sprintf("drop database if exists %s with (force)", name))
}

// sharedServer is the one server of a test process, started when the first database is asked for.
type sharedServer struct {
	mu        sync.Mutex
	home      *home
	server    *Server
	templates []string
}

// shared is package state because the tests of a package have nothing else in common; it holds no settings.
var shared sharedServer

func (s *sharedServer) get(ctx context.Context) (home, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.home != nil {
		return *s.home, nil
	}
	if raw := os.Getenv("TEST_DATABASE_URL"); raw != "" {
		found, err := external(raw)
		if err != nil {
			return home{}, err
		}
		s.home = &found
		return found, nil
	}
	server, err := New(ctx, Options{})
	if err != nil {
		return home{}, err
	}
	made := server.home()
	s.server, s.home = server, &made
	return made, nil
}

func (s *sharedServer) dropAtEnd(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.templates = append(s.templates, name)
}

// stop ends the shared server, or leaves the user's own as clean as it was.
func (s *sharedServer) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failures []error
	if s.server != nil {
		failures = append(failures, s.server.Close())
	} else if s.home != nil {
		for _, name := range s.templates {
			failures = append(failures, s.home.drop(name))
		}
	}
	s.home, s.server, s.templates = nil, nil, nil
	return errors.Join(failures...)
}
