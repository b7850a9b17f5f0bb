package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// ErrNoBinaries says that this machine has no PostgreSQL server programs, and how it gets them.
var ErrNoBinaries = errors.New("no PostgreSQL server programs found: run 'make postgres'")

// firstWithICU is the major version from which initdb can make a linguistic collation the default.
const firstWithICU = 15

// binaries is one installation of PostgreSQL's server programs and the user they run as.
type binaries struct {
	folder string
	// libraries is the value of LD_LIBRARY_PATH, empty where the system's own libraries serve.
	libraries string
	major     int
	// user is nil where the programs run as we do.
	user *syscall.Credential
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// findBinaries returns the newest installation on this machine, in the places where install.sh looks and unpacks.
func findBinaries(ctx context.Context) (binaries, error) {
	user, err := unprivileged()
	if err != nil {
		return binaries{}, err
	}
	newest, trouble := binaries{}, ErrNoBinaries
	for _, candidate := range installations() {
		if _, err := os.Stat(filepath.Join(candidate.folder, "initdb")); err != nil {
			continue
		}
		candidate.user = user
		out, err := candidate.run(ctx, "/", "postgres", "--version")
		if err != nil {
			trouble = fmt.Errorf("programs in %s do not start (unpacked there by 'make postgres'? then remove them and run it again): %w",
				candidate.folder, err)
			continue
		}
		if version := versionPattern.FindStringSubmatch(out); version != nil {
			candidate.major, _ = strconv.Atoi(version[1])
		}
		if candidate.major > newest.major {
			newest = candidate
		}
	}
	if newest.major == 0 {
		return binaries{}, trouble
	}
	return newest, nil
}

// installations lists where server programs may be, whether or not they are.
func installations() []binaries {
	var list []binaries
	for _, folder := range folders("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin") {
		list = append(list, binaries{folder: folder})
	}
	caches := []string{"/var/cache"}
	if own, err := os.UserCacheDir(); err == nil {
		caches = append(caches, own)
	}
	for _, cache := range caches {
		root := filepath.Join(cache, "watchkeeper/postgres")
		libraries := folders(filepath.Join(root, "usr/lib/*-linux-gnu*"), filepath.Join(root, "lib/*-linux-gnu*"))
		for _, folder := range folders(filepath.Join(root, "usr/lib/postgresql/*/bin")) {
			list = append(list, binaries{folder: folder, libraries: strings.Join(libraries, ":")})
		}
	}
	if program, err := exec.LookPath("initdb"); err == nil {
		list = append(list, binaries{folder: filepath.Dir(program)})
	}
	return list
}

func folders(patterns ...string) []string {
	var list []string
	for _, pattern := range patterns {
		// The only error is a malformed pattern, and then there is nothing to find.
		found, _ := filepath.Glob(pattern)
		list = append(list, found...)
	}
	return list
}

// run executes one of the programs in a folder that it may enter and returns what it printed.
func (b binaries) run(ctx context.Context, folder, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(b.folder, program), args...)
	cmd.Dir = folder
	// A group of its own: Ctrl-C at the terminal is for the tests, which then end the server themselves.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: b.user, Setpgid: true}
	// Nothing of our environment, above all no PGHOST or PGDATA, may lead the programs elsewhere.
	cmd.Env = []string{"PATH=" + b.folder + ":/usr/bin:/bin", "LC_ALL=C", "TZ=GMT", "LD_LIBRARY_PATH=" + b.libraries}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("running %s: %w: %s", program, err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}
