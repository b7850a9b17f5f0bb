package manifest

import (
	"fmt"
	"strings"

	"watchkeeper/api"
	"watchkeeper/api/yamlfile"
)

// Masked stands for a secret wherever a server shows settings, and in a manifest for one whose text is elsewhere.
const Masked = "***"

// Source is where the text of a secret is to be had when a file is applied. The zero value is nowhere.
type Source struct {
	Env  string // the name of a variable
	File string // the name of a file, whose last line break does not count
}

// String names the source for people.
func (s Source) String() string {
	switch {
	case s.Env != "":
		return "the variable " + s.Env
	case s.File != "":
		return "the file " + s.File
	}
	return "nowhere"
}

// hidden says which members of a kind may be secrets.
func hidden(of Kind) func(path string) bool {
	switch of {
	case KindChannel:
		return func(path string) bool { return strings.HasPrefix(path, "settings.") }
	case KindService:
		return func(path string) bool {
			switch path {
			case "probe.url", "probe.proxy", "probe.body":
				return true
			}
			return strings.HasPrefix(path, "probe.headers.")
		}
	}
	return func(string) bool { return false }
}

func sourceOf(n yamlfile.Node) (Source, string) {
	const form = "must be a text, or {env: NAME} or {file: PATH} for where it is to be had"
	if len(n.Pairs) != 1 || n.Pairs[0].Value.Kind != yamlfile.Text || n.Pairs[0].Value.Text == "" {
		return Source{}, form
	}
	switch p := n.Pairs[0]; p.Key {
	case "env":
		if !validVariable(p.Value.Text) {
			return Source{}, "must name a variable of letters, digits and underscores"
		}
		return Source{Env: p.Value.Text}, ""
	case "file":
		return Source{File: p.Value.Text}, ""
	}
	return Source{}, form
}

func (s Source) node() node {
	n := node{kind: yamlfile.Map}
	if s.Env != "" {
		n.add("env", node{kind: yamlfile.Text, text: s.Env})
	} else {
		n.add("file", node{kind: yamlfile.Text, text: s.File})
	}
	return n
}

func validVariable(name string) bool {
	for i, r := range name {
		digit := r >= '0' && r <= '9'
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (!digit || i == 0) {
			return false
		}
	}
	return name != ""
}

// variables makes up names for the secrets that an export leaves out, each once.
type variables map[string]bool

func (v variables) name(parts ...string) string {
	var b strings.Builder
	b.WriteString("SECRET")
	for _, part := range parts {
		b.WriteByte('_')
		for _, r := range strings.ToUpper(part) {
			if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
				b.WriteRune(r)
			} else {
				b.WriteByte('_')
			}
		}
	}
	base := api.CutText(b.String(), 100)
	name := base
	for i := 2; v[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	v[name] = true
	return name
}
