package command

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"watchkeeper/server/config"
)

var update = flag.Bool("update", false, "write the golden files")

// process gives a process whose output is kept.
func process(args ...string) (Process, *bytes.Buffer, *bytes.Buffer) {
	var out, complaints bytes.Buffer
	return Process{Args: args, In: strings.NewReader(""), Out: &out, Err: &complaints, Zone: time.UTC, Version: "1.2.3"}, &out, &complaints
}

// commands gives the names of all commands of ours, as they are typed.
func commands(c *cobra.Command) [][]string {
	all := [][]string{strings.Fields(c.CommandPath())[1:]}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			all = append(all, commands(sub)...)
		}
	}
	return all
}

func TestHelp(t *testing.T) {
	p, _, _ := process()
	var all strings.Builder
	for _, name := range commands((&run{Process: p, now: time.Now}).root()) {
		p, out, complaints := process(append(name, "--help")...)
		if code := Main(p); code != 0 || complaints.Len() > 0 {
			t.Errorf("%v --help: exit code %d, %s", name, code, complaints)
		}
		for line := range strings.Lines(out.String()) {
			if len(strings.TrimRight(line, "\n")) > 120 && !strings.Contains(line, "  watchkeeper ") {
				t.Errorf("%v --help: a line of %d characters: %s", name, len(line), line)
			}
		}
		all.WriteString("$ watchkeeper " + strings.Join(append(name, "--help"), " ") + "\n" + out.String() + "\n")
	}
	path := filepath.Join("testdata", "help.txt")
	if *update {
		if err := os.WriteFile(path, []byte(all.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), all.String()); diff != "" {
		t.Errorf("run the test with -update (-file +now):\n%s", diff)
	}
}

func TestHelpOfServeListsAllSettings(t *testing.T) {
	p, out, _ := process("serve", "--help")
	if code := Main(p); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	for _, s := range config.Settings() {
		if s.FileOnly() {
			continue
		}
		_, line, found := strings.Cut(out.String(), "  --"+s.Flag()+" ")
		if !found {
			t.Errorf("no --%s", s.Flag())
			continue
		}
		line, _, _ = strings.Cut(line, "\n      --")
		line = strings.Join(strings.Fields(line), " ")
		shown := s.Default() == "" || s.Form == "bool" || strings.Contains(line, "(default "+s.Default()+")")
		if !shown || !strings.Contains(line, "["+s.Variable()+"]") {
			t.Errorf("--%s: %s", s.Flag(), line)
		}
	}
}
