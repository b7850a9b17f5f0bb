package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"watchkeeper/api"
)

var state = bytes.Repeat([]byte("the state of everything "), 20_000)

// sample writes an archive with a database and a secret.
func sample(tb testing.TB) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "state")
	if err := os.WriteFile(path, state, 0o600); err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	err := Write(tb.Context(), &out, &Manifest{
		Version: "1.2.3", Engine: "sqlite", Schema: 7, Installation: "one", Generation: 2, Created: 1_785_400_000_000,
		Rows: map[string]int64{"service": 3},
	}, []Content{{Name: StateFile, Path: path}, {Name: SecretFile, Text: []byte("a secret of the tests\n")}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func read(ctx context.Context, archive []byte, folder string) (*Manifest, error) {
	a, err := Open(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return &a.Manifest, a.Extract(ctx, folder, nil)
}

func TestWhatGoesInComesOut(t *testing.T) {
	archive := sample(t)
	if len(archive) > len(state)/10 {
		t.Errorf("%d bytes for %d of the same text: not compressed", len(archive), len(state))
	}
	folder := t.TempDir()
	m, err := read(t.Context(), archive, folder)
	if err != nil {
		t.Fatal(err)
	}
	if !m.Has(SecretFile) || m.Has(ConfigFile) {
		t.Errorf("files of the manifest: %v", m.Files)
	}
	m.Files = nil
	if diff := cmp.Diff(&Manifest{
		Format: 1, Version: "1.2.3", Engine: "sqlite", Schema: 7, Installation: "one", Generation: 2, Created: 1_785_400_000_000,
		Rows: map[string]int64{"service": 3},
	}, m); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string]string{StateFile: string(state), SecretFile: "a secret of the tests\n"} {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestProgressEndsAtTheWhole(t *testing.T) {
	a, err := Open(bytes.NewReader(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var last, total int64
	err = a.Extract(t.Context(), "", func(done, all int64) {
		if done < last {
			t.Errorf("from %d back to %d", last, done)
		}
		last, total = done, all
	})
	if err != nil || last != total || total < int64(len(state)) {
		t.Errorf("%d of %d, %v", last, total, err)
	}
}

func TestDamageIsFound(t *testing.T) {
	archive := sample(t)
	for length := range len(archive) {
		if _, err := read(t.Context(), archive[:length], ""); api.KindOf(err) != api.KindInvalid {
			t.Fatalf("cut to %d of %d bytes: %v", length, len(archive), err)
		}
	}
	// What no checksum covers are the bytes that the compression needs for itself; there, too, nothing else comes out.
	for i := range archive {
		damaged := bytes.Clone(archive)
		damaged[i] ^= 0x10
		if _, err := read(t.Context(), damaged, ""); err != nil && api.KindOf(err) != api.KindInvalid {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

// forge makes an archive with any entries.
func forge(tb testing.TB, entries ...string) []byte {
	tb.Helper()
	var out bytes.Buffer
	compressed, err := zstd.NewWriter(&out)
	if err != nil {
		tb.Fatal(err)
	}
	archive := tar.NewWriter(compressed)
	for i := 0; i < len(entries); i += 2 {
		err := archive.WriteHeader(&tar.Header{Name: entries[i], Typeflag: tar.TypeReg, Size: int64(len(entries[i+1])), Mode: 0o644})
		if err == nil {
			_, err = io.WriteString(archive, entries[i+1])
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), compressed.Close()); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestHostileArchives(t *testing.T) {
	entry := func(name string, size int) string {
		return fmt.Sprintf(`{"name":%q,"size":%d,"sha256":"%s"}`, name, size, strings.Repeat("0", 64))
	}
	file := func(name string, size int) string { return `{"format":1,"files":[` + entry(name, size) + "]}" }
	for name, test := range map[string]struct {
		archive []byte
		says    string
	}{
		"nothing":                   {nil, "does not begin with a manifest"},
		"text":                      {[]byte("hello"), "does not begin with a manifest"},
		"no manifest":               {forge(t, StateFile, "x"), "does not begin with a manifest"},
		"a manifest of nonsense":    {forge(t, ManifestFile, "{"), "manifest cannot be read"},
		"a manifest of nothing":     {forge(t, ManifestFile, "{}"), "makes no sense"},
		"a long manifest":           {forge(t, ManifestFile, strings.Repeat(" ", maxManifest+1)), "too long"},
		"a newer form":              {forge(t, ManifestFile, `{"format":2,"version":"9.9.9"}`), "written by watchkeeper 9.9.9 in a newer form"},
		"a path":                    {forge(t, ManifestFile, file("../etc/passwd", 1), "../etc/passwd", "x"), "names the file"},
		"a file twice":              {forge(t, ManifestFile, strings.Replace(file(SecretFile, 1), "[{", "["+entry(SecretFile, 1)+",{", 1)), "names the file"},
		"an endless secret":         {forge(t, ManifestFile, file(SecretFile, maxSmall+1)), "is wrong about secret.key"},
		"another file than named":   {forge(t, ManifestFile, file(SecretFile, 1), ConfigFile, "x"), "not where its manifest says"},
		"another size than named":   {forge(t, ManifestFile, file(SecretFile, 1), SecretFile, "xx"), "not where its manifest says"},
		"other content than named":  {forge(t, ManifestFile, file(SecretFile, 1), SecretFile, "x"), "not what was written"},
		"more files than are named": {forge(t, ManifestFile, `{"format":1}`, SecretFile, "x"), "more than its manifest says"},
	} {
		_, err := read(t.Context(), test.archive, t.TempDir())
		if api.KindOf(err) != api.KindInvalid || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %q", name, err, test.says)
		}
	}
}

func TestWriteFileIsWholeOrNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "backup")
	write := func(text string, err error) error {
		return WriteFile(path, filepath.Dir(path), func(w io.Writer) error {
			_, _ = io.WriteString(w, text)
			return err
		})
	}
	if err := write("first", nil); err != nil {
		t.Fatal(err)
	}
	if err := write("second", errors.New("the disk is full")); err == nil {
		t.Error("the failure was not told")
	}
	content, err := os.ReadFile(path)
	if err != nil || string(content) != "first" {
		t.Errorf("%q, %v", content, err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sample(f))
	f.Add(forge(f, ManifestFile, `{"format":1,"files":[]}`))
	f.Fuzz(func(t *testing.T, archive []byte) {
		if _, err := read(t.Context(), archive, ""); err != nil && api.KindOf(err) != api.KindInvalid {
			t.Fatalf("%v", err)
		}
	})
}
