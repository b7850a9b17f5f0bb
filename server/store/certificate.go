package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/hub"
)

// Certificates is the handle of what servers that get their certificate by ACME share. Keys are paths with slashes
// between; values are sealed by whoever puts them.
type Certificates struct{ s *Store }

// CertificateItem is a value and when it was put there.
type CertificateItem struct {
	Key       string
	Value     string // sealed
	UpdatedAt api.Time
}

func scanCertificate(r row) (CertificateItem, error) {
	var c CertificateItem
	if err := r.Scan(&c.Key, &c.Value, &c.UpdatedAt); err != nil {
		return c, fmt.Errorf("reading a certificate: %w", err)
	}
	return c, nil
}

var errNoCertificate = api.Errorf(api.KindNotFound, "there is no such certificate")

// Put sets a value.
func (h *Certificates) Put(ctx context.Context, key, value string) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		tx.wake(hub.Settings)
		_, err := tx.exec(ctx, `insert into certificate (key, value, updated_at) values ($1, $2, $3)
			on conflict (key) do update set value = excluded.value, updated_at = excluded.updated_at`, key, value, int64(tx.now))
		return err
	})
}

// Get gives a value; KindNotFound when there is none.
func (h *Certificates) Get(ctx context.Context, key string) (CertificateItem, error) {
	var out CertificateItem
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		out, err = one(ctx, tx, scanCertificate, "select key, value, updated_at from certificate where key = $1", key)
		if errors.Is(err, errNoRow) {
			return errNoCertificate
		}
		return err
	})
	return out, err
}

// Delete removes a value and all whose keys lie below it; none is no error.
func (h *Certificates) Delete(ctx context.Context, key string) error {
	return h.s.write(ctx, useGeneral, func(tx *Tx) error {
		from, to := below(key)
		_, err := tx.exec(ctx, "delete from certificate where key = $1 or key >= $2 and key < $3", key, from, to)
		return err
	})
}

// Keys gives the keys that lie below a path, in order; all of them for the empty path.
func (h *Certificates) Keys(ctx context.Context, path string) ([]string, error) {
	var out []string
	err := h.s.read(ctx, func(tx *Tx) (err error) {
		from, to := below(path)
		out, err = collect(ctx, tx, scanOne[string], "select key from certificate where key >= $1 and ($2 = '' or key < $2) order by key", from, to)
		return err
	})
	return out, err
}

// below gives the bounds of the keys that begin with a path and a slash: what comes after a slash in ASCII is "0".
func below(path string) (from, to string) {
	path = strings.Trim(path, "/")
	if path == "" {
		return "", ""
	}
	return path + "/", path + "0"
}
