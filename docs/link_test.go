package docs

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	noAnchor = regexp.MustCompile(`[^a-z0-9 _-]`)
)

// TestLinksLeadSomewhere follows every link between our own pages, to the heading where it names one.
func TestLinksLeadSomewhere(t *testing.T) {
	links := 0
	for _, page := range listFiles(t, "--cached", "--others", "--exclude-standard") {
		if !strings.HasSuffix(page, ".md") {
			continue
		}
		for _, match := range link.FindAllStringSubmatch(readFile(t, page), -1) {
			target, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			links++
			file := page
			if target != "" {
				file = path.Join(path.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join(top, file)); err != nil {
				t.Errorf("%s: nothing is at %s", page, match[1])
			} else if anchor != "" && !hasAnchor(readFile(t, file), anchor) {
				t.Errorf("%s: %s has no heading for #%s", page, file, anchor)
			}
		}
	}
	if links == 0 {
		t.Error("no links found")
	}
}

// hasAnchor tells whether a heading of the page gets this anchor where such pages are shown.
func hasAnchor(page, anchor string) bool {
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		if strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-") == anchor {
			return true
		}
	}
	return false
}
