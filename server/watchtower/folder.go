package watchtower

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"watchkeeper/api"
)

// Folder is the data folder of a watchTower server.
type Folder struct {
	path string
	zone *time.Location
}

// Unread is a line, or a part of the configuration, that could not be read.
type Unread struct {
	File   string // from the folder on
	Line   int    // from 1; 0 for the whole
	Reason string
}

// String gives the place and the reason.
func (u Unread) String() string {
	if u.Line == 0 {
		return u.File + ": " + u.Reason
	}
	return fmt.Sprintf("%s:%d: %s", u.File, u.Line, u.Reason)
}

// Open gives the folder of a server that wrote local times of a zone. A folder that holds nothing of watchTower is
// KindInvalid.
func Open(path string, zone *time.Location) (*Folder, error) {
	f := &Folder{path: path, zone: zone}
	for _, part := range []string{configFile, beatsFolder, eventsFolder} {
		_, err := os.Stat(filepath.Join(path, part))
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("looking into the folder of watchTower: %w", err)
		}
	}
	return nil, api.Errorf(api.KindInvalid, "the folder %s holds nothing of watchTower: neither %s nor %s nor %s", path, configFile, beatsFolder, eventsFolder)
}

const (
	beatsFolder  = "data/beats"
	eventsFolder = "data/events"
	// maxLine is the longest line that is read: the longest message, with room for the rest.
	maxLine = api.MaxEventMessage + 8<<10
)

// lines gives every line of the files of a folder, day after day, to use; what use refuses, and what is no line that can
// be read, goes to unread. The times in a file go forward, so each gets a clock of its own.
func (f *Folder) lines(ctx context.Context, folder string, use func(line string, c *clock) (reason string, err error), unread func(Unread)) error {
	entries, err := os.ReadDir(filepath.Join(f.path, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading the folder of watchTower: %w", err)
	}
	var names []string
	for _, e := range entries {
		if day, ext := e.Name(), filepath.Ext(e.Name()); ext == ".csv" && len(day) == len("20060102.csv") && e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if err := f.file(ctx, folder+"/"+name, use, unread); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) file(ctx context.Context, name string, use func(string, *clock) (string, error), unread func(Unread)) error {
	file, err := os.Open(filepath.Join(f.path, name))
	if err != nil {
		unread(Unread{File: name, Reason: err.Error()})
		return nil
	}
	defer file.Close()
	reader, c := bufio.NewReaderSize(file, 64<<10), &clock{zone: f.zone}
	for n := 1; ; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, tooLong, err := readLine(reader)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			unread(Unread{File: name, Line: n, Reason: err.Error()})
			return nil
		}
		reason := "is too long"
		if !tooLong {
			if line == "" {
				continue
			}
			if reason, err = use(line, c); err != nil {
				return err
			}
		}
		if reason != "" {
			unread(Unread{File: name, Line: n, Reason: reason})
		}
	}
}

// readLine gives the next line without its end, and io.EOF when there is none.
func readLine(r *bufio.Reader) (line string, tooLong bool, err error) {
	var whole []byte
	some := false
	for {
		part, more, err := r.ReadLine()
		if err != nil {
			if some && errors.Is(err, io.EOF) {
				break
			}
			return "", false, err
		}
		some = true
		if !tooLong {
			whole = append(whole, part...)
		}
		if len(whole) > maxLine {
			whole, tooLong = nil, true
		}
		if !more {
			break
		}
	}
	return string(whole), tooLong, nil
}
