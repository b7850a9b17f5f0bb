package store

import (
	"fmt"

	"watchkeeper/api"
)

const silenceColumns = "id, match, starts_at, ends_at, comment, created_by, created_at"

func scanSilence(r row) (api.Silence, error) {
	var (
		s     api.Silence
		match string
	)
	if err := r.Scan(&s.ID, &match, &s.StartsAt, &s.EndsAt, &s.Comment, &s.CreatedBy, &s.CreatedAt); err != nil {
		return s, fmt.Errorf("reading a silence: %w", err)
	}
	var err error
	if s.Match, err = parseMatch(match); err != nil {
		return s, fmt.Errorf("reading the silence %s: %w", s.ID, err)
	}
	return s, nil
}
