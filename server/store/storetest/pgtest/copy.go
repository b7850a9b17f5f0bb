package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Major gives the major version of the PostgreSQL that servers of this package run.
func Major(ctx context.Context) (int, error) {
	found, err := findBinaries(ctx)
	return found.major, err
}

// Save puts a copy of everything that the server holds into a folder that does not exist yet, from which later servers
// can be made with Options.Data. The server is stopped meanwhile.
func (s *Server) Save(ctx context.Context, folder string) error {
	if err := s.Stop(ctx); err != nil {
		return err
	}
	if err := copyFolder(ctx, s.data(), folder); err != nil {
		return err
	}
	return s.Start(ctx)
}

// Create makes a database, a copy of another one that nobody uses; "template1" is empty.
func (s *Server) Create(ctx context.Context, name, template string) error {
	return s.home().create(ctx, name, template)
}

// Drop removes a database and cuts its connections.
func (s *Server) Drop(name string) error { return s.home().drop(name) }

// URL names a database of this server.
func (s *Server) URL(database string) string { return s.home().url(database) }

// PID gives the id of the server's first process, the parent of all others.
func (s *Server) PID() (int, error) {
	content, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, fmt.Errorf("finding PostgreSQL's process: %w", err)
	}
	line, _, _ := bytes.Cut(content, []byte("\n"))
	return strconv.Atoi(string(bytes.TrimSpace(line)))
}

// restore begins with a copy of a folder that Save made.
func (s *Server) restore(ctx context.Context, folder string) error {
	version, err := os.ReadFile(filepath.Join(folder, "PG_VERSION"))
	if err != nil {
		return fmt.Errorf("reading a saved PostgreSQL: %w", err)
	}
	if major, err := strconv.Atoi(string(bytes.TrimSpace(version))); err != nil || major != s.binaries.major {
		return fmt.Errorf("the saved data are of PostgreSQL %s, and this is %d", bytes.TrimSpace(version), s.binaries.major)
	}
	return copyFolder(ctx, folder, s.data())
}

// copyFolder keeps owners and rights, which PostgreSQL insists on.
func copyFolder(ctx context.Context, from, to string) error {
	out, err := exec.CommandContext(ctx, "cp", "-a", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copying PostgreSQL's data: %w: %s", err, out)
	}
	return nil
}
