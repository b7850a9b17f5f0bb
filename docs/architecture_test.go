// Package docs holds the documentation, and the tests that hold it to the code: the tables of architecture.md, the links
// between pages, and the commands of the README. No code that ships belongs here.
package docs

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// anything is what the table says of packages that only tests use.
const anything = "anything; tests only"

// rule is one row of a table: the packages or imports on its left and those named on its right.
type rule struct {
	names   []string
	allowed []string
	text    string
}

var quoted = regexp.MustCompile("`([^`]+)`")

// table reads the rows of the table whose head begins with the given cell.
func table(t *testing.T, first string) []rule {
	t.Helper()
	content, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	var rules []rule
	within := false
	for line := range strings.Lines(string(content)) {
		cells := strings.Split(line, "|")
		switch {
		case len(cells) < 4:
			within = false
		case strings.TrimSpace(cells[1]) == first:
			within = true
		case within && !strings.HasPrefix(cells[1], "-"):
			rules = append(rules, rule{names: words(cells[1]), allowed: words(cells[2]), text: strings.TrimSpace(cells[2])})
		}
	}
	if len(rules) == 0 {
		t.Fatalf("architecture.md has no table that begins with %q", first)
	}
	return rules
}

func words(cell string) []string {
	var list []string
	for _, match := range quoted.FindAllStringSubmatch(cell, -1) {
		list = append(list, match[1])
	}
	return list
}

// matches tells whether one of the patterns, in which * stands for one element of a path, is the name.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// ruleFor returns the row for a package, the one that names it in full before one that does with a star.
func ruleFor(rules []rule, name string) (rule, bool) {
	for _, r := range rules {
		if slices.Contains(r.names, name) {
			return r, true
		}
	}
	for _, r := range rules {
		if matches(r.names, name) {
			return r, true
		}
	}
	return rule{}, false
}

func testOnly(rules []rule, name string) bool {
	r, ok := ruleFor(rules, name)
	return ok && r.text == anything
}

func TestImportsFollowTheTable(t *testing.T) {
	rules := table(t, "package")
	for _, p := range readPackages(t) {
		r, ok := ruleFor(rules, p.name)
		if !ok {
			t.Errorf("package %s is not in the table of docs/architecture.md", p.name)
			continue
		}
		if r.text == anything {
			continue
		}
		for imported, file := range p.imports {
			if name, ours := strings.CutPrefix(imported, modulePath); ours && !matches(r.allowed, name) {
				t.Errorf("%s: package %s may not import %s", file, p.name, name)
			}
		}
	}
}

func TestLibrariesStayWhereTheyBelong(t *testing.T) {
	rules, packages := table(t, "import"), table(t, "package")
	for _, p := range readPackages(t) {
		if testOnly(packages, p.name) {
			continue
		}
		for imported, file := range p.imports {
			for _, r := range rules {
				if within(r.names, imported) && !matches(r.allowed, p.name) {
					t.Errorf("%s: package %s may not import %s", file, p.name, imported)
				}
			}
		}
	}
}

func within(roots []string, imported string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return imported == root || strings.HasPrefix(imported, root+"/")
	})
}

func TestSharedWordsNeedTheStandardLibraryOnly(t *testing.T) {
	for _, p := range readPackages(t) {
		if p.name != "api" {
			continue
		}
		for imported, file := range p.imports {
			if domain, _, _ := strings.Cut(imported, "/"); strings.Contains(domain, ".") {
				t.Errorf("%s: package api may not import %s", file, imported)
			}
		}
	}
}

func TestDecisionsDoNotReadTheClock(t *testing.T) {
	decide := []string{"api", "server/store", "server/service", "server/event", "server/alert"}
	for _, p := range readPackages(t) {
		if !matches(decide, p.name) {
			continue
		}
		for _, place := range p.clockReads {
			t.Errorf("%s: take now as a parameter or ask server/clock", place)
		}
	}
}

func TestPackagesHaveOneDocComment(t *testing.T) {
	for _, p := range readPackages(t) {
		if len(p.documentedIn) != 1 {
			t.Errorf("package %s has its doc comment in %d files %v, want one", p.name, len(p.documentedIn), p.documentedIn)
		}
	}
}

func TestFilesStaySmall(t *testing.T) {
	const most = 500
	for _, file := range listFiles(t, "--cached", "--others", "--exclude-standard") {
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_gen.go") {
			continue
		}
		if lines := strings.Count(readFile(t, file), "\n"); lines > most {
			t.Errorf("%s has %d lines, at most %d", file, lines, most)
		}
	}
}

func TestNoPathsOfOneMachine(t *testing.T) {
	private := regexp.MustCompile(`(^|[^A-Za-z0-9_.$}])/((work|root|farm)/|home/[a-z])`)
	for _, file := range listFiles(t, "--cached") {
		for number, line := range strings.Split(readFile(t, file), "\n") {
			if private.MatchString(line) {
				t.Errorf("%s:%d names a folder of one machine", file, number+1)
			}
		}
	}
}

// The checks above are worth something only if they can fail.
func TestRulesRefuse(t *testing.T) {
	rules := table(t, "package")
	tests := []struct {
		from, to string
		want     bool
	}{
		{"api", "server/store", false},
		{"server/service", "server/event", false},
		{"server/service", "server/store", true},
		{"server/store", "server/service", false},
		{"server/app", "server/command", false},
		{"server/httpapi/v1", "server/httpapi/web", true},
		{"server/httpapi/v1", "server/httpapi/watchtower", false},
		{"server/alert/notify/mail", "server/store", false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s to %s", test.from, test.to), func(t *testing.T) {
			r, ok := ruleFor(rules, test.from)
			if !ok {
				t.Fatal("not in the table")
			}
			if got := matches(r.allowed, test.to); got != test.want {
				t.Errorf("allowed: %v, want %v", got, test.want)
			}
		})
	}
	if _, ok := ruleFor(rules, "server/util"); ok {
		t.Error("a package that nobody planned has a row")
	}
}
