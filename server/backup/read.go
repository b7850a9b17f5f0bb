package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// Archive is a backup that is being read, from its beginning to its end and once.
type Archive struct {
	Manifest Manifest
	entries  *tar.Reader
	unpacker *zstd.Decoder
}

// maxWindow bounds the memory that a hostile archive may ask for.
const maxWindow = 64 << 20

// Open reads the manifest of an archive. What is no backup, or one of a newer form, is KindInvalid.
func Open(r io.Reader) (*Archive, error) {
	unpacker, err := zstd.NewReader(r, zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, broken("it is not compressed with zstd")
	}
	a := &Archive{unpacker: unpacker, entries: tar.NewReader(unpacker)}
	m, err := a.manifest()
	if err != nil {
		a.Close()
		return nil, err
	}
	a.Manifest = *m
	return a, nil
}

// Close gives back what reading needs. The reader stays open.
func (a *Archive) Close() { a.unpacker.Close() }

func (a *Archive) manifest() (*Manifest, error) {
	header, err := a.entries.Next()
	if err != nil || header.Name != ManifestFile || header.Typeflag != tar.TypeReg {
		return nil, broken("it does not begin with a manifest")
	}
	if header.Size > maxManifest {
		return nil, broken("its manifest is too long")
	}
	text, err := io.ReadAll(a.entries)
	if err != nil {
		return nil, broken("it ends in its manifest")
	}
	return parseManifest(text)
}

// Extract puts the files of the archive into a folder, for their owner only, and checks each against the manifest. Without
// a folder it only checks. report, which may be nil, is told how many of all bytes were had.
func (a *Archive) Extract(ctx context.Context, folder string, report func(done, total int64)) error {
	var done, total int64
	for _, f := range a.Manifest.Files {
		total += f.Size
	}
	for _, f := range a.Manifest.Files {
		header, err := a.entries.Next()
		if err != nil || header.Name != f.Name || header.Size != f.Size || header.Typeflag != tar.TypeReg {
			return broken("%s is not where its manifest says, so the file is cut short or was altered", f.Name)
		}
		content := &meter{ctx: ctx, Reader: a.entries, count: func(n int64) {
			if done += n; report != nil {
				report(done, total)
			}
		}}
		if err := extract(content, folder, f); err != nil {
			return err
		}
	}
	if _, err := a.entries.Next(); !errors.Is(err, io.EOF) {
		return broken("it holds more than its manifest says, or its end is missing")
	}
	return nil
}

func extract(content io.Reader, folder string, f File) error {
	if folder == "" {
		return unpack(content, io.Discard, f)
	}
	file, err := os.OpenFile(filepath.Join(folder, f.Name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := unpack(content, file, f); err != nil {
		return errors.Join(err, file.Close())
	}
	return errors.Join(file.Sync(), file.Close())
}

func unpack(content io.Reader, into io.Writer, f File) error {
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(into, sum), content); err != nil {
		var disk *fs.PathError
		if errors.As(err, &disk) || errors.Is(err, context.Canceled) {
			return fmt.Errorf("unpacking %s: %w", f.Name, err)
		}
		return broken("%s is cut short or damaged", f.Name)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return broken("%s is not what was written into it", f.Name)
	}
	return nil
}
