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

// A Schema is what a store's database must look like.
type Schema struct {
	Name       string // what people call the database, and the folder of its store
	Migrations fs.FS  // migrations/sqlite and migrations/postgres with NNNN_….sql
}

// migrate applies the migrations that the database lacks. One that has more than
// the program knows is left as it is, and refused.
func (d *Database) migrate(ctx context.Context, s Schema) error {
	files, err := fs.Sub(s.Migrations, "migrations/"+folder(d.dialect))
	if err != nil {
		return err
	}
	kind, options := goose.DialectSQLite3, []goose.ProviderOption{}
	if d.dialect == dialect.Postgres {
		kind = goose.DialectPostgres
	}
	if d.dialect == dialect.Postgres && d.pooled == nil {
		options = append(options, goose.WithSessionLocker(lock{}))
	}
	provider, err := goose.NewProvider(kind, d.writer, files, options...)
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil // the schema is new, and its first migration is to be written
	}
	if err != nil {
		return err
	}
	up := func() error { return d.up(ctx, provider) }
	if d.pooled != nil {
		err = d.locked(ctx, up)
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
		return fmt.Errorf("the database is of version %d and this program knows versions up to %d: "+
			"start the newer program that made it so, or restore a backup from before", has, knows)
	}
	return nil
}

// up applies the migrations. In SQLite, which has no lock that outlasts a
// transaction, another process may apply one while this one is about to: that
// one fails here, whole, and what is left is looked at again. So each turn that
// fails leaves one migration less, or the next one fails too.
func (d *Database) up(ctx context.Context, provider *goose.Provider) error {
	turns := 1
	if d.dialect == dialect.SQLite {
		turns += len(provider.ListSources())
		// To change a table is often to make it anew, and to drop the old one must
		// not take with it what refers to it. The writer has one connection.
		if _, err := d.writer.ExecContext(ctx, "PRAGMA foreign_keys = off"); err != nil {
			return err
		}
	}
	var err error
	for range turns {
		if _, err = provider.Up(ctx); err == nil {
			break
		}
	}
	if err == nil && d.dialect == dialect.SQLite {
		_, err = d.writer.ExecContext(ctx, "PRAGMA foreign_keys = on")
	}
	return err
}

// folder is where a dialect's migrations lie.
func folder(d string) string {
	if d == dialect.Postgres {
		return "postgres"
	}
	return "sqlite"
}

// locked runs f while a transaction of another connection holds the lock of migrations:
// behind a pooler, a session is nobody's own.
func (d *Database) locked(ctx context.Context, f func() error) error {
	tx, err := d.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", key); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if err := f(); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// A lock lets one process migrate a PostgreSQL database at a time. The others
// wait in line.
type lock struct{}

// key names the lock among the advisory locks of the database: "bongsu".
const key = 0x626f6e677375

// SessionLock waits for the lock.
func (lock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key)
	return err
}

// SessionUnlock gives the lock to the next.
func (lock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	var held bool
	if err := conn.QueryRowContext(ctx, "SELECT pg_advisory_unlock($1)", key).Scan(&held); err != nil {
		return err
	}
	if !held {
		return errors.New("the lock of the migration was lost while it ran")
	}
	return nil
}
