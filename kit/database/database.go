// Package database opens SQLite and PostgreSQL databases for a store that uses both alike. It
// has the settings that make commits durable, versioned migrations, transactions, batches,
// and the translation of database errors into those of package fault.
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
	name    string // for errors, such as "library"
	dialect string // dialect.SQLite or dialect.Postgres
	writer  *sql.DB
	reader  *sql.DB         // the same as writer in PostgreSQL
	writes  *statementCache // nil in PostgreSQL
	reads   *statementCache // nil in PostgreSQL

	pooled map[string]string // settings applied in each transaction behind a pooler; nil without one

	file    string      // the path of the SQLite file; empty in PostgreSQL
	refused atomic.Bool // a write failed on the disk, and every write of Ping since
	damaged atomic.Bool // the file is corrupt; never reset
}

// Open opens the database at url and applies the migrations of the schema. A url is a file
// path, with or without the prefix sqlite:, a URL postgres://…, or a libpq connection string
// such as host=… dbname=…; CheckURL validates it. A missing file is created, its folder is
// not. Several processes may open one database at once. Errors contain no password.
func Open(ctx context.Context, url string, schema Schema) (*Database, error) {
	d, err := Connect(ctx, url, schema)
	if err != nil {
		return nil, err
	}
	if err := d.migrate(ctx, schema); err != nil {
		return nil, errors.Join(openError(schema.Name, err), d.Close())
	}
	return d, nil
}

// Connect opens the database as Open does, without applying migrations.
func Connect(ctx context.Context, url string, schema Schema) (*Database, error) {
	if err := CheckURL(url); err != nil {
		return nil, openError(schema.Name, fmt.Errorf("the URL %w", err))
	}
	open := openSQLite
	if IsPostgres(url) {
		open = func(ctx context.Context, url string) (*Database, error) {
			return openPostgres(ctx, url, schema.Application)
		}
	}
	d, err := open(ctx, url)
	if err != nil {
		return nil, openError(schema.Name, err)
	}
	d.name = schema.Name
	return d, nil
}

// openError returns the error for a database that cannot be opened.
func openError(name string, err error) error {
	if isCorrupt(err) {
		return fmt.Errorf("open the %s (corrupt database file, restore a backup): %w", name, err)
	}
	return fmt.Errorf("open the %s: %w", name, err)
}

// Dialect returns the dialect, dialect.SQLite or dialect.Postgres.
func (d *Database) Dialect() string { return d.dialect }

// Writer returns the connections for writes, for packages that keep a table of their own in the
// database, such as kit/stream. Their errors are those of the driver.
func (d *Database) Writer() *sql.DB { return d.writer }

// Close waits for running transactions and closes all connections.
func (d *Database) Close() error {
	if d.dialect == dialect.Postgres {
		return d.writer.Close()
	}
	return errors.Join(d.reader.Close(), d.writer.Close())
}

// Ping checks that the database responds to queries. After a failed write, such as on a full
// disk, it checks that a write succeeds and that there is room for more. A database whose
// file was once found corrupt stays unavailable, because its other reads and writes cannot
// be trusted.
func (d *Database) Ping(ctx context.Context) error {
	if d.damaged.Load() {
		return d.markDamaged("the database file was found corrupt")
	}
	const newest = "SELECT max(version_id) FROM goose_db_version"
	if !d.refused.Load() {
		var version int64
		err := d.reader.QueryRowContext(ctx, newest).Scan(&version)
		return d.translateError(ctx, err)
	}
	if err := d.checkDiskSpace(); err != nil {
		return &Unavailable{text: "the " + d.name + " is unavailable; try again", cause: err.Error()}
	}
	_, err := d.writer.ExecContext(ctx, "UPDATE goose_db_version SET is_applied = is_applied WHERE version_id = ("+newest+")")
	if err == nil {
		d.refused.Store(false)
	}
	return d.translateError(ctx, err)
}

// checkDiskSpace returns an error unless the disk of a SQLite file has room for another 1 MiB: a small
// write may fit where the next row does not.
func (d *Database) checkDiskSpace() error {
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
