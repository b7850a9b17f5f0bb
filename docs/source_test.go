// Package docs holds what is written about Watchkeeper, and the tests that hold the code to it. No code that ships
// belongs here.
package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	top        = ".."
	modulePath = "watchkeeper/"
)

// goPackage is what the sources of one package say, tests aside.
type goPackage struct {
	name string // folder from the top of the module
	// imports maps each import path to a file that has it.
	imports      map[string]string
	clockReads   []string
	documentedIn []string
}

// readPackages parses the sources instead of asking `go list`: it sees the files for every system, and a change of any
// of them makes `go test` run the tests again.
func readPackages(t *testing.T) []*goPackage {
	t.Helper()
	byFolder := map[string]*goPackage{}
	for _, file := range listFiles(t, "--cached", "--others", "--exclude-standard") {
		folder := path.Dir(file)
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata/") {
			continue
		}
		p := byFolder[folder]
		if p == nil {
			p = &goPackage{name: folder, imports: map[string]string{}}
			byFolder[folder] = p
		}
		p.add(t, file)
	}
	var packages []*goPackage
	for _, p := range byFolder {
		packages = append(packages, p)
	}
	slices.SortFunc(packages, func(a, b *goPackage) int { return strings.Compare(a.name, b.name) })
	return packages
}

func (p *goPackage) add(t *testing.T, file string) {
	t.Helper()
	files := token.NewFileSet()
	source, err := parser.ParseFile(files, file, readFile(t, file), parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if source.Doc != nil {
		p.documentedIn = append(p.documentedIn, path.Base(file))
	}
	for _, spec := range source.Imports {
		p.imports[strings.Trim(spec.Path.Value, `"`)] = file
	}
	readers := []string{"Now", "Since", "Until"}
	ast.Inspect(source, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if name, ok := selector.X.(*ast.Ident); ok && name.Name == "time" && slices.Contains(readers, selector.Sel.Name) {
			p.clockReads = append(p.clockReads, fmt.Sprintf("%s: time.%s", files.Position(n.Pos()), selector.Sel.Name))
		}
		return true
	})
}

// listFiles returns files that git knows or would take, from the top of the module, without those just deleted.
func listFiles(t *testing.T, options ...string) []string {
	t.Helper()
	// go test runs again when what a test has looked at has changed: this is how it learns of new files.
	_, _ = os.Stat(filepath.Join(top, ".git", "index"))
	// The tree may belong to another user, as in a container.
	arguments := append([]string{"-c", "safe.directory=*", "-C", top, "ls-files", "-z"}, options...)
	out, err := exec.CommandContext(t.Context(), "git", arguments...).Output()
	if err != nil {
		t.Fatalf("listing files: %v", err)
	}
	var list []string
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if _, err := os.Stat(filepath.Join(top, name)); err == nil {
			list = append(list, name)
		}
	}
	if len(list) == 0 {
		t.Fatal("git knows no files")
	}
	return list
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(top, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
