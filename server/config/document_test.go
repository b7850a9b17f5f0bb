package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"watchkeeper/server/config"
)

// golden compares a text with a file that -update writes.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is out of date, run the test with -update (-file +now):\n%s", path, diff)
	}
}

func TestHelpText(t *testing.T) {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	config.Flags(fs)
	golden(t, filepath.Join("testdata", "help.txt"), fs.FlagUsagesWrapped(120))
}

// document makes the page about settings from its template and the table.
func document(t *testing.T) string {
	t.Helper()
	type chapter struct {
		Group    config.Group
		Settings []config.Setting
	}
	var chapters []chapter
	for _, s := range config.Settings() {
		if n := len(chapters); n == 0 || chapters[n-1].Group != s.Group {
			chapters = append(chapters, chapter{Group: s.Group})
		}
		last := &chapters[len(chapters)-1]
		last.Settings = append(last.Settings, s)
	}
	escape := strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;", "_", `\_`).Replace
	const name = "settings.md.tmpl"
	page, err := template.New(name).Funcs(template.FuncMap{"escape": escape}).ParseFiles(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := page.Execute(&b, chapters); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPageOfTheDocumentation(t *testing.T) {
	golden(t, filepath.Join("..", "..", "docs", "settings.md"), document(t))
}

func TestExamplesOfThePageWork(t *testing.T) {
	parts := strings.Split(document(t), "```yaml\n")
	if len(parts) < 3 {
		t.Fatalf("the page has %d examples", len(parts)-1)
	}
	for _, part := range parts[1:] {
		example, _, _ := strings.Cut(part, "```")
		loaded := given{file: example}.mustLoad(t)
		if loaded.Config.String() == config.Default().String() {
			t.Errorf("this example changes nothing:\n%s", example)
		}
	}
}

func TestTheTableIsWhole(t *testing.T) {
	variables := map[string]bool{}
	for _, s := range config.Settings() {
		if s.Key != strings.ToLower(s.Key) || strings.Contains(s.Key, "-") {
			t.Errorf("key %q", s.Key)
		}
		if !s.Group.Valid() || s.Form == "" || s.Help == "" || strings.ContainsAny(s.Help, "`") || strings.HasSuffix(s.Help, ".") {
			t.Errorf("%s: group %q, form %q, help %q", s.Key, s.Group, s.Form, s.Help)
		}
		if variables[s.Variable()] {
			t.Errorf("two settings share the variable %s", s.Variable())
		}
		variables[s.Variable()] = true
		if want := "WATCHKEEPER_" + strings.ToUpper(strings.ReplaceAll(s.Flag(), "-", "_")); s.Variable() != want {
			t.Errorf("%s: flag %s, variable %s", s.Key, s.Flag(), s.Variable())
		}
		if variables[strings.TrimSuffix(s.Variable(), "_FILE")] && strings.HasSuffix(s.Variable(), "_FILE") {
			t.Errorf("the variable of %s is also that of a file", s.Key)
		}
	}
}
