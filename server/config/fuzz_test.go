package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"watchkeeper/server/config"
)

func FuzzSettingsFile(f *testing.F) {
	for _, text := range []string{
		"listen: ':1'\n", "alerts:\n  refuse_private: yes\n  targets: {mail: [a]}\n", "channels:\n- name: a\n  kind: mail\n  settings: {x: y}\n",
		"routes: [{name: a, to: x, match: 'a=b', hours: {from: 1}}]\n", "maintenance: [{name: a, cron: 0 3 * * *, duration: 1h}]\n", "events_presets: [{name: a, service: '('}]", "a: &x b\nc: *x\n", "<<: {}\n", "? a\n: b\n", "- \n- a: b\n-\n", "{", "[", "{{},<<}", "0::", "|0#\n",
		"password: \"hunter2\n", "data: |\n  x\n y", "!!binary x", "%YAML 1.2\n---\na: b", "listen: 'x\n\n\ty'", "tls_names: [", "\xff\xfe", "a: b: c",
		"alerts.targets: {mail: x}\nalerts: {targets: }", "listen: >-\n\n", "\x00", "-- -", "{? {? \n", "listen:\n- ", "data: !!null x", "*-0", ">\n>",
	} {
		f.Add(text)
	}
	path := filepath.Join(f.TempDir(), "watchkeeper.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2000 {
			return // the parser takes time that grows with the square of the nesting
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		loaded, err := config.Load(config.Input{Environ: []string{"WATCHKEEPER_CONFIG=" + path}})
		if took := time.Since(started); took > 2*time.Second {
			t.Fatalf("reading took %v", took)
		}
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, path) && !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "--") {
					t.Fatalf("a problem without its place: %q in %q", line, err)
				}
			}
			return
		}
		if err := loaded.Config.Validate(); err != nil {
			t.Fatalf("loaded, and not valid: %v", err)
		}
		if strings.ContainsAny(text, `\'?`) {
			return // a key may be written in other letters than its own, or stand below its question mark
		}
		lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text), "\n")
		for _, e := range loaded.Explain() {
			key := e.Key[strings.LastIndex(e.Key, ".")+1:]
			if e.Source.Origin == config.OriginFile && !strings.Contains(lines[e.Source.Line-1], key) {
				t.Fatalf("%s comes from line %d, which is %q", e.Key, e.Source.Line, lines[e.Source.Line-1])
			}
		}
	})
}
