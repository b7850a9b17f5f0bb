package docs

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

const decisions = "docs/decisions/"

var decisionFile = regexp.MustCompile(`^\d{4}-[a-z0-9-]+\.md$`)

// TestDecisionsAreListed holds the list of decisions to the pages: each with its number, its title and its state.
func TestDecisionsAreListed(t *testing.T) {
	list := readFile(t, decisions+"README.md")
	pages := 0
	for _, file := range listFiles(t, "--cached", "--others", "--exclude-standard", "--", decisions) {
		name := path.Base(file)
		if name == "README.md" {
			continue
		}
		pages++
		if !decisionFile.MatchString(name) {
			t.Errorf("%s is not named NUMBER-words.md", file)
			continue
		}
		title, rest, _ := strings.Cut(readFile(t, file), "\n")
		number := name[:4]
		title = strings.TrimPrefix(title, "# "+number+" ")
		state, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(rest), "State: "), ".")
		if row := "| [" + number + "](" + name + ") | " + title + " | " + state + " |"; !strings.Contains(list, row) {
			t.Errorf("%sREADME.md lacks the row\n%s", decisions, row)
		}
	}
	if rows := strings.Count(list, "\n| ["); rows != pages || pages == 0 {
		t.Errorf("the list has %d decisions and there are %d", rows, pages)
	}
}
