package auth

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"watchkeeper/server/store"
)

// Installation is what all servers of one database have in common and no other database has.
type Installation struct {
	ID string // a UUID
	// Generation is 1 at first and rises with every restore. What a client was told to come back with, such as a
	// cursor, carries it, because a restored database gives the same numbers to other rows.
	Generation int64
}

// OpenInstallation gives the installation that a database belongs to, and makes it when the database is empty.
func OpenInstallation(ctx context.Context, settings *store.Settings) (Installation, error) {
	id, err := settings.PutNew(ctx, settingInstallation, uuid.NewString())
	if err != nil {
		return Installation{}, fmt.Errorf("naming the installation: %w", err)
	}
	text, err := settings.PutNew(ctx, settingGeneration, "1")
	if err != nil {
		return Installation{}, fmt.Errorf("numbering the generation: %w", err)
	}
	generation, err := strconv.ParseInt(text, 10, 64)
	if err != nil || generation < 1 {
		return Installation{}, fmt.Errorf("the setting %s is %q, which is no positive number", settingGeneration, text)
	}
	return Installation{ID: id, Generation: generation}, nil
}

// Next gives the installation after a restore. Its generation is above its own and above atLeast, that of what is
// replaced. It also follows the clock, because nobody knows how often the same backup was restored elsewhere.
func (i Installation) Next(atLeast int64, now time.Time) Installation {
	i.Generation = max(i.Generation+1, atLeast+1, now.Unix())
	return i
}

// Settings gives the settings that keep an installation.
func (i Installation) Settings() map[string]string {
	return map[string]string{settingInstallation: i.ID, settingGeneration: strconv.FormatInt(i.Generation, 10)}
}
