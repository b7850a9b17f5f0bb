package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// longestFolder leaves room for a socket's file name in the 107 bytes that a Unix socket's path may have.
const longestFolder = 70

// unprivileged returns the user that PostgreSQL runs as when we are root, which it refuses to be; else nil.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if uidErr == nil && gidErr == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
		}
	}
	return nil, errors.New("root needs another user to run PostgreSQL as: neither postgres nor nobody exists")
}

// makeFolder makes a folder for a server's data and socket, short of name and open to the user it runs as.
func makeFolder(owner *syscall.Credential) (string, error) {
	base := os.TempDir()
	if len(base) > longestFolder || (owner != nil && !open(base)) {
		base = "/tmp"
	}
	folder, err := os.MkdirTemp(base, "wkpg-")
	if err != nil {
		return "", fmt.Errorf("making a folder for PostgreSQL: %w", err)
	}
	if owner != nil {
		if err := os.Chown(folder, int(owner.Uid), int(owner.Gid)); err != nil {
			return "", errors.Join(fmt.Errorf("giving the folder to PostgreSQL: %w", err), os.Remove(folder))
		}
	}
	return folder, nil
}

// open tells whether every user may pass through the folder and all above it.
func open(folder string) bool {
	for {
		info, err := os.Stat(folder)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if folder == "/" || folder == "." {
			return true
		}
		folder = filepath.Dir(folder)
	}
}
