package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
)

// A Schema describes the database of a store.
type Schema struct {
	Name        string // the name of the database in errors, and of the folder of its store
	Application string // the application_name of connections to PostgreSQL; empty for none
	Migrations  fs.FS  // migrations/sqlite and migrations/postgres with NNNN_….sql
}

// migrate applies the missing migrations. It refuses a database that has more migrations than
// the program, and leaves it unchanged.
func (d *Database) migrate(ctx context.Context, s Schema) error {
	files, err := fs.Sub(s.Migrations, "migrations/"+migrationDir(d.dialect))
	if err != nil {
		return err
	}
	kind, options := goose.DialectSQLite3, []goose.ProviderOption{}
	if d.dialect == dialect.Postgres {
		kind = goose.DialectPostgres
	}
	if d.dialect == dialect.Postgres && d.pooled == nil {
		options = append(options, goose.WithSessionLocker(migrationLock{}))
	}
	provider, err := goose.NewProvider(kind, d.writer, files, options...)
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil // a new schema, whose first migration is not written yet
	}
	if err != nil {
		return err
	}
	up := func() error { return d.applyMigrations(ctx, provider) }
	if d.pooled != nil {
		err = d.withMigrationLock(ctx, up)
	} else {
		err = up()
	}
	if err != nil {
		return err
	}
	has, knows, err := provider.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > knows {
		return fmt.Errorf("the database has version %d, and this program supports versions up to %d: "+
			"start the newer program, or restore a backup from before the upgrade", has, knows)
	}
	return nil
}

// applyMigrations applies the migrations. SQLite has no lock that outlasts a transaction, so another
// process may apply the same migration concurrently: then this one fails as a whole, and the
// missing migrations are determined again. Each failed try leaves one migration less, or the
// next try fails too.
func (d *Database) applyMigrations(ctx context.Context, provider *goose.Provider) error {
	tries := 1
	if d.dialect == dialect.SQLite {
		tries += len(provider.ListSources())
		// Changing a table often means to create it again, and dropping the old one must not
		// delete the rows that refer to it. The writer has a single connection.
		if _, err := d.writer.ExecContext(ctx, "PRAGMA foreign_keys = off"); err != nil {
			return err
		}
	}
	var err error
	for range tries {
		if _, err = provider.Up(ctx); err == nil {
			break
		}
	}
	if err == nil && d.dialect == dialect.SQLite {
		_, err = d.writer.ExecContext(ctx, "PRAGMA foreign_keys = on")
	}
	return err
}

// migrationDir returns the name of the folder with the migrations of a dialect.
func migrationDir(d string) string {
	if d == dialect.Postgres {
		return "postgres"
	}
	return "sqlite"
}

// withMigrationLock runs f while a transaction on another connection holds the migration lock: behind a
// pooler, a session lock cannot be used.
func (d *Database) withMigrationLock(ctx context.Context, f func() error) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", migrationLockKey); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := f(); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// A migrationLock lets one process at a time migrate a PostgreSQL database. The others wait for the
// advisory lock.
type migrationLock struct{}

// migrationLockKey is the id of the advisory lock. It never changes: processes of two versions may
// migrate one database at once.
const migrationLockKey = 0x626f6e677375

// SessionLock waits for the lock and acquires it.
func (migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", migrationLockKey)
	return err
}

// SessionUnlock releases the lock.
func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	var held bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_advisory_unlock($1)", migrationLockKey).Scan(&held); err != nil {
		return err
	}
	if !held {
		return errors.New("migration lock lost while migrating")
	}
	return nil
}
