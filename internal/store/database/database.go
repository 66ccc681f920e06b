// Package database opens the databases of the stores, SQLite and PostgreSQL
// alike: settings that keep what was committed, versioned migrations,
// transactions, and what their errors mean.
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"

	"entgo.io/ent/dialect"
)

// A Database is one store's database. It is safe for concurrent use.
type Database struct {
	name    string // what people call it, such as "directory"
	dialect string // dialect.SQLite or dialect.Postgres
	writer  *sql.DB
	reader  *sql.DB   // the same as writer in PostgreSQL
	writes  *prepared // nil in PostgreSQL
	reads   *prepared // nil in PostgreSQL

	pooled map[string]string // settings of each transaction, where a pooler may stand between; else nil

	file    string      // where a file holds it
	refused atomic.Bool // the disk refused a write, and all of Ping's since
	damaged atomic.Bool // the file holds garbage, for good
}

// Open opens the database at url and brings it up to the schema's version. A url
// is a file's path, with or without sqlite: before it, postgres://…, or a connection
// string of libpq such as host=… dbname=…, as CheckURL has it; the file is made where it is not there, its folder is not. Several processes may open
// one database at once. An error holds no password.
func Open(ctx context.Context, url string, schema Schema) (*Database, error) {
	d, err := Connect(ctx, url, schema.Name)
	if err != nil {
		return nil, err
	}
	if err := d.migrate(ctx, schema); err != nil {
		return nil, errors.Join(opening(schema.Name, err), d.Close())
	}
	return d, nil
}

// Connect opens the database as Open does and leaves it at its version.
func Connect(ctx context.Context, url, name string) (*Database, error) {
	if err := CheckURL(url); err != nil {
		return nil, opening(name, fmt.Errorf("its URL %w", err))
	}
	open := openSQLite
	if isPostgres(url) {
		open = openPostgres
	}
	d, err := open(ctx, url)
	if err != nil {
		return nil, opening(name, err)
	}
	d.name = name
	return d, nil
}

// opening says why a database cannot be opened.
func opening(name string, err error) error {
	if damaged(err) {
		return fmt.Errorf("open the %s, whose file is damaged and must be restored from a backup: %w", name, err)
	}
	return fmt.Errorf("open the %s: %w", name, err)
}

// Dialect is ent's word for what the database speaks.
func (d *Database) Dialect() string { return d.dialect }

// Close waits for what has begun, and ends all connections.
func (d *Database) Close() error {
	if d.dialect == dialect.Postgres {
		return d.writer.Close()
	}
	return errors.Join(d.reader.Close(), d.writer.Close())
}

// Ping asks the database for an answer from its tables. One that refused a write,
// such as on a full disk, must do a write as well, and have room for more. One whose
// file was once found to hold garbage stays unavailable: what else it would read or
// write cannot be trusted.
func (d *Database) Ping(ctx context.Context) error {
	if d.damaged.Load() {
		return d.damage("garbage was found in its file")
	}
	const newest = "SELECT max(version_id) FROM goose_db_version"
	if !d.refused.Load() {
		var version int64
		err := d.reader.QueryRowContext(ctx, newest).Scan(&version)
		return d.fault(ctx, err)
	}
	if err := d.room(); err != nil {
		return &Unavailable{name: "the " + d.name, cause: err.Error()}
	}
	_, err := d.writer.ExecContext(ctx, "UPDATE goose_db_version SET is_applied = is_applied WHERE version_id = ("+newest+")")
	if err == nil {
		d.refused.Store(false)
	}
	return d.fault(ctx, err)
}

// room says whether the disk has room for some more, where a file holds the
// database: a small write may fit where the next alert does not.
func (d *Database) room() error {
	if d.file == "" {
		return nil
	}
	file, err := os.CreateTemp(filepath.Dir(d.file), filepath.Base(d.file)+"-room-*")
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, 1<<20))
	return errors.Join(err, file.Sync(), file.Close(), os.Remove(file.Name()))
}
