package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Search is the handle of the index of texts of events, which follows the commits: see package search. It may lack any
// segment at any time, and be lost: whoever asks it must read the events of the segments that it lacks.
type Search struct {
	s      *Store
	folder string
	eng    atomic.Pointer[engine] // nil until Open
}

var errNoIndex = errors.New("the index of texts is not open")

// Open opens the index of the events of a database, which source names. On SQLite it is a file of its own. An index that
// is of another database, of another version, ahead of the events or damaged is made anew; why is the answer.
func (h *Search) Open(ctx context.Context, source string) (anew string, err error) {
	eng := h.s.eng
	if eng.kind() == SQLite {
		path := filepath.Join(h.folder, SearchFile)
		index, err := openIndex(ctx, path)
		if isDamaged(err) {
			anew = "damaged"
			if err = removeFiles(path); err == nil {
				index, err = openIndex(ctx, path)
			}
		}
		if err != nil {
			return anew, err
		}
		eng = index
	}
	if err := h.close(); err != nil {
		return anew, err
	}
	h.eng.Store(&eng)
	reason, err := h.check(ctx, indexVersion+" "+source)
	if reason != "" {
		anew = reason
	}
	return anew, err
}

func openIndex(ctx context.Context, path string) (*sqliteEngine, error) {
	index, err := openSQLite(ctx, path, indexPragmas, func() {})
	if err != nil {
		return nil, err
	}
	if _, err := index.writer.ExecContext(ctx, indexSchema); err != nil {
		return nil, errors.Join(fmt.Errorf("making the index of texts: %w", err), index.close())
	}
	return index, nil
}

func isDamaged(err error) bool {
	var lite *sqlite.Error
	return errors.As(err, &lite) && (lite.Code()&0xff == sqlite3.SQLITE_CORRUPT || lite.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// removeFiles removes a file of SQLite and those beside it.
func removeFiles(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// check empties an index that does not fit the events.
func (h *Search) check(ctx context.Context, source string) (reason string, err error) {
	var newest int64
	if err := h.s.read(ctx, func(tx *Tx) (err error) {
		newest, err = h.s.eng.drawn(ctx, tx.session, "event")
		return err
	}); err != nil {
		return "", err
	}
	err = h.write(ctx, func(tx *Tx) error {
		reason = ""
		known, err := one(ctx, tx.session, scanOne[string], "select value from search_source where name = 'source'")
		switch {
		case errors.Is(err, errNoRow):
		case err != nil:
			return err
		case known != source:
			reason = "of another database or version"
		default:
			last, err := one(ctx, tx.session, scanOne[int64], "select coalesce(max(last_id), 0) from search_segment")
			if err != nil || last <= newest {
				return err
			}
			reason = "ahead of the events"
		}
		for _, statement := range []string{
			"delete from search_part", "delete from search_segment", "delete from search_source",
		} {
			if _, err := tx.exec(ctx, statement); err != nil {
				return err
			}
		}
		_, err = tx.exec(ctx, "insert into search_source (name, value) values ('source', $1)", source)
		return err
	})
	return reason, err
}

func (h *Search) close() error {
	eng := h.engine()
	h.eng.Store(nil)
	if eng == nil {
		return nil
	}
	return eng.close()
}

// engine gives the engine of the index where it is another than that of the events, else nil.
func (h *Search) engine() engine {
	if eng := h.eng.Load(); eng != nil && *eng != h.s.eng {
		return *eng
	}
	return nil
}

func (h *Search) read(ctx context.Context, fn func(*Tx) error) error {
	eng := h.eng.Load()
	if eng == nil {
		return unavailable(errNoIndex)
	}
	return h.s.readOn(ctx, *eng, fn)
}

func (h *Search) write(ctx context.Context, fn func(*Tx) error) error {
	eng := h.eng.Load()
	if eng == nil {
		return unavailable(errNoIndex)
	}
	return h.s.outward(h.s.tryWriteOn(ctx, *eng, useGeneral, fn))
}

// Segments gives the segments that are in the index, from a number on, in order.
func (h *Search) Segments(ctx context.Context, from int64) ([]Segment, error) {
	var out []Segment
	err := h.read(ctx, func(tx *Tx) (err error) {
		out, err = collect(ctx, tx.session, scanSegment, "select "+segmentColumns+" from search_segment where number >= $1 order by number", from)
		return err
	})
	return out, err
}

// Parts gives the parts of some segments in some buckets to visit. Those that are empty are left out.
func (h *Search) Parts(ctx context.Context, segments []int64, buckets []int, visit func(segment int64, bucket int, data []byte)) error {
	places := make([]int64, 0, len(segments)*len(buckets))
	for _, b := range buckets {
		for _, s := range segments {
			places = append(places, place(b, s))
		}
	}
	return h.read(ctx, func(tx *Tx) error {
		if err := tx.eng.byIndex(ctx, tx.session); err != nil {
			return err
		}
		r, err := tx.query(ctx, "select p.place, p.data from "+tx.eng.relation(1, ints("place"))+
			" w cross join search_part p where p.place = w.place", tx.eng.pack(places)...)
		if err != nil {
			return err
		}
		defer r.Close()
		for r.Next() {
			var at int64
			var data []byte
			if err := r.Scan(&at, &data); err != nil {
				return err
			}
			visit(at&(1<<40-1), int(at>>40), data)
		}
		return r.Err()
	})
}

// Save adds a segment with its parts by bucket; one that is there already stays as it is.
func (h *Search) Save(ctx context.Context, s Segment, parts [][]byte) error {
	var places []int64
	var data [][]byte
	for bucket, part := range parts {
		if part != nil {
			places, data = append(places, place(bucket, s.Number)), append(data, part)
		}
	}
	return h.write(ctx, func(tx *Tx) error {
		n, err := tx.exec(ctx, "insert into search_segment ("+segmentColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (number) do nothing",
			s.Number, s.FirstID, s.LastID, int64(s.MinTime), int64(s.MaxTime), int64(s.MinReceived), int64(s.MaxReceived), s.Bytes)
		if err != nil || n == 0 || len(places) == 0 {
			return err
		}
		_, err = tx.exec(ctx, "insert into search_part (place, data) select place, data from "+
			tx.eng.relation(1, ints("place"), blob("data"))+" p", tx.eng.pack(places, data)...)
		return err
	})
}

// Outdated reports whether the ids of the oldest segment all lie before one.
func (h *Search) Outdated(ctx context.Context, before int64) (bool, error) {
	var is bool
	err := h.read(ctx, func(tx *Tx) (err error) {
		is, err = one(ctx, tx.session, scanOne[bool],
			"select exists (select 1 from search_segment where number = (select min(number) from search_segment) and last_id < $1)", before)
		return err
	})
	return is, err
}

// Forget removes the oldest segment if its ids all lie before one, and reports whether it did.
func (h *Search) Forget(ctx context.Context, before int64, buckets int) (bool, error) {
	gone := false
	err := h.write(ctx, func(tx *Tx) error {
		gone = false
		number, err := one(ctx, tx.session, scanOne[int64],
			"delete from search_segment where number = (select min(number) from search_segment) and last_id < $1 returning number", before)
		if errors.Is(err, errNoRow) {
			return nil
		}
		if err != nil {
			return err
		}
		places := make([]int64, buckets)
		for i := range places {
			places[i] = place(i, number)
		}
		gone = true
		_, err = tx.exec(ctx, "delete from search_part where place in (select place from "+tx.eng.relation(1, ints("place"))+" w)",
			tx.eng.pack(places)...)
		return err
	})
	return gone, err
}
