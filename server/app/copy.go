package app

import (
	"context"
	"path/filepath"
	"strings"

	"watchkeeper/api"
	"watchkeeper/server/auth"
	"watchkeeper/server/config"
	"watchkeeper/server/secret"
	"watchkeeper/server/store"
)

// CopyOptions say what is copied and where to.
type CopyOptions struct {
	DatabaseOptions
	To     string         // postgres://..., or a data folder for SQLite
	Report func(Progress) // may be nil
}

// Copied is what a copy did.
type Copied struct {
	Tables int
	Rows   int64
	Engine string // of the database that was copied into
}

// Copy copies everything of a database into an empty one while no server runs on either. It may be killed and run again.
func Copy(ctx context.Context, o CopyOptions) (out Copied, err error) {
	target, err := o.target()
	if err != nil {
		return out, err
	}
	err = alone(ctx, o.DatabaseOptions, "", func(from *Database) error {
		if err := from.checkSchema(ctx); err != nil {
			return err
		}
		if err := from.Unlock(ctx); err != nil {
			return err
		}
		return alone(ctx, target, "", func(to *Database) error { return o.copy(ctx, from, to, &out) })
	})
	return out, err
}

// target gives the settings of the database to copy into.
func (o CopyOptions) target() (DatabaseOptions, error) {
	t := DatabaseOptions{Config: o.Config, Log: o.Log}
	if strings.HasPrefix(o.To, "postgres://") || strings.HasPrefix(o.To, "postgresql://") {
		t.Config.Database = o.To
		if o.To == o.Config.Database {
			return t, api.Errorf(api.KindInvalid, "this is the database itself")
		}
		return t, nil
	}
	if strings.Contains(o.To, "://") || o.To == "" {
		return t, api.Errorf(api.KindInvalid, "the database to copy into must be named by postgres://user:password@host/name, or by a folder for SQLite")
	}
	t.Config.Data, t.Config.Database = o.To, ""
	if o.Config.Database == "" && sameFolder(o.To, o.Config.Data) {
		return t, api.Errorf(api.KindInvalid, "this is the data folder itself")
	}
	return t, nil
}

func sameFolder(a, b string) bool {
	first, err := filepath.Abs(a)
	second, err2 := filepath.Abs(b)
	return err == nil && err2 == nil && first == second
}

func (o CopyOptions) copy(ctx context.Context, from, to *Database, out *Copied) error {
	if _, err := to.store.Migrate(ctx, store.MigrateOptions{Report: o.Report}); err != nil {
		return schemaRefusal(err)
	}
	install, err := auth.OpenInstallation(ctx, from.store.Settings)
	if err != nil {
		return err
	}
	if to.options.Config.Database == "" {
		if err := o.copySecret(ctx, from, to.options.Config); err != nil {
			return err
		}
	}
	census, err := store.Copy(ctx, from.store, to.store, store.CopyOptions{Source: install.ID, Report: o.Report})
	if err != nil {
		return err
	}
	*out = Copied{Tables: len(census), Rows: census.Rows(), Engine: string(to.store.Engine())}
	to.store.Audit.Unlock(from.held)
	return to.store.Audit.Record(ctx, api.AuditInstallationCopy, "", map[string]any{"from": from.store.Engine(), "to": to.store.Engine(), "rows": out.Rows})
}

// copySecret puts the secret beside the database in another data folder, unless a setting gives it.
func (o CopyOptions) copySecret(ctx context.Context, from *Database, target config.Config) error {
	if o.Config.Secret != "" {
		return nil
	}
	held, err := from.secret(ctx)
	if err != nil {
		return err
	}
	kept, _, err := secret.Create(secretFile(target), held.text)
	if err == nil && kept != held.text {
		err = api.Errorf(api.KindConflict, "the folder %s has a secret.key of another installation", target.Data)
	}
	return err
}
