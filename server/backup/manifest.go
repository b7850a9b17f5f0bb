package backup

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"watchkeeper/api"
)

// Format is the number of the form of archives that this release writes. It reads those up to this number.
const Format = 1

// The names of what an archive may hold.
const (
	ManifestFile = "manifest.json"
	StateFile    = "watchkeeper.db" // the database, where that is SQLite
	SecretFile   = "secret.key"     // the secret
	ConfigFile   = "watchkeeper.yaml"
	SettingsFile = "settings.txt" // every setting with its value and where that came from, secrets left out
)

var known = []string{StateFile, SecretFile, ConfigFile, SettingsFile}

// maxManifest bounds what is read of a manifest, maxSmall every other file but the database.
const (
	maxManifest = 1 << 20
	maxSmall    = 1 << 20
)

// Manifest says what an archive is of.
type Manifest struct {
	Format       int              `json:"format"`
	Version      string           `json:"version"` // of the program that wrote it
	Engine       string           `json:"engine"`
	Schema       int64            `json:"schema"`       // the number of the last migration
	Installation string           `json:"installation"` // a UUID
	Generation   int64            `json:"generation"`
	Created      api.Time         `json:"created"`
	Rows         map[string]int64 `json:"rows,omitempty"` // by table
	Files        []File           `json:"files"`
}

// File is one further entry of an archive.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // in hexadecimal digits
}

// Has reports whether the archive holds a file.
func (m *Manifest) Has(name string) bool {
	return slices.ContainsFunc(m.Files, func(f File) bool { return f.Name == name })
}

func parseManifest(text []byte) (*Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, broken("its manifest cannot be read")
	}
	if m.Format > Format {
		return nil, api.Errorf(api.KindInvalid, "this backup was written by watchkeeper %s in a newer form: restore it with that release or a "+
			"newer one", harmless(m.Version))
	}
	if m.Format < 1 || m.Schema < 0 || m.Generation < 0 {
		return nil, broken("its manifest makes no sense")
	}
	for i, f := range m.Files {
		switch {
		case !slices.Contains(known, f.Name), slices.ContainsFunc(m.Files[:i], func(g File) bool { return g.Name == f.Name }):
			return nil, broken("its manifest names the file %q", f.Name)
		case f.Size < 0, f.Name != StateFile && f.Size > maxSmall, len(f.SHA256) != 64:
			return nil, broken("its manifest is wrong about %s", f.Name)
		}
	}
	return &m, nil
}

func broken(format string, args ...any) error {
	return api.Errorf(api.KindInvalid, "this is no backup that can be used: %s", fmt.Sprintf(format, args...))
}

// harmless keeps a version to what versions are made of.
func harmless(version string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdefghijklmnopqrstuvwxyz.-+", r) {
			return r
		}
		return -1
	}, api.CutText(version, 50))
}
