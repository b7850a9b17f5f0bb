package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// Content is a file that goes into an archive, from the disk or from memory.
type Content struct {
	Name string
	Path string // empty: Text
	Text []byte
}

func (c Content) open() (io.ReadCloser, error) {
	if c.Path == "" {
		return io.NopCloser(bytes.NewReader(c.Text)), nil
	}
	return os.Open(c.Path)
}

// Write writes an archive. It fills in the form and the files of the manifest from what goes into it; report, which may be nil, is
// told how many of all bytes were read.
func Write(ctx context.Context, w io.Writer, m *Manifest, contents []Content, report func(done, total int64)) error {
	m.Format, m.Files = Format, nil
	var total, done int64
	for _, c := range contents {
		f, err := describe(ctx, c)
		if err != nil {
			return fmt.Errorf("reading %s: %w", c.Name, err)
		}
		m.Files = append(m.Files, f)
		total += f.Size
	}
	compressed, err := zstd.NewWriter(w)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(compressed)
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := add(archive, m, File{Name: ManifestFile, Size: int64(len(manifest))}, bytes.NewReader(manifest)); err != nil {
		return err
	}
	for i, c := range contents {
		err := writeContent(archive, m, m.Files[i], c, func(r io.Reader) io.Reader {
			return &meter{ctx: ctx, Reader: r, count: func(n int64) {
				if done += n; report != nil {
					report(done, total)
				}
			}}
		})
		if err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), compressed.Close())
}

func writeContent(archive *tar.Writer, m *Manifest, f File, c Content, metered func(io.Reader) io.Reader) error {
	source, err := c.open()
	if err != nil {
		return err
	}
	defer source.Close()
	sum := sha256.New()
	if err := add(archive, m, f, io.TeeReader(metered(source), sum)); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s changed while it was written into the backup", c.Name)
	}
	return nil
}

func describe(ctx context.Context, c Content) (File, error) {
	source, err := c.open()
	if err != nil {
		return File{}, err
	}
	defer source.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, &meter{ctx: ctx, Reader: source})
	return File{Name: c.Name, Size: n, SHA256: hex.EncodeToString(sum.Sum(nil))}, err
}

func add(archive *tar.Writer, m *Manifest, f File, content io.Reader) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: f.Name, Size: f.Size, Mode: 0o600, ModTime: m.Created.Std(), Format: tar.FormatPAX}
	err := archive.WriteHeader(header)
	if err == nil {
		_, err = io.Copy(archive, content)
	}
	if err != nil {
		return fmt.Errorf("writing %s into the backup: %w", f.Name, err)
	}
	return nil
}

// meter counts what is read, and ends when nobody wants it any more.
type meter struct {
	io.Reader
	ctx   context.Context
	count func(int64)
}

func (m *meter) Read(p []byte) (int, error) {
	if err := context.Cause(m.ctx); err != nil {
		return 0, err
	}
	n, err := m.Reader.Read(p)
	if m.count != nil {
		m.count(int64(n))
	}
	return n, err
}

// WriteFile makes a file for its owner only, whole or not at all: what write gives goes first to a file in the folder work,
// which is on the same file system.
func WriteFile(path, work string, write func(io.Writer) error) (err error) {
	draft, err := os.CreateTemp(work, filepath.Base(path)+"-*") // made with mode 0600
	if err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(draft.Name()))
		}
	}()
	if err := errors.Join(write(draft), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft.Name(), path); err != nil {
		return fmt.Errorf("making %s: %w", path, err)
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder puts the names of a folder on the disk.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
