package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Unavailable is a fault.ErrUnavailable whose text may be returned to callers. Its cause is
// for logs only.
type Unavailable struct {
	text  string
	cause string
}

// Error returns the text for callers, without the cause.
func (u *Unavailable) Error() string { return u.text }

// Unwrap returns fault.ErrUnavailable.
func (u *Unavailable) Unwrap() error { return fault.ErrUnavailable }

// Cause returns the text of the database error. It contains no password and no parameter.
func (u *Unavailable) Cause() string { return u.cause }

// translateError translates a database error into one of package fault where one applies. When ctx
// has ended, it returns the error of ctx.
func (d *Database) translateError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fault.ErrInvalid), errors.Is(err, fault.ErrNotFound),
		errors.Is(err, fault.ErrExists), errors.Is(err, fault.ErrConflict), errors.Is(err, fault.ErrPrecondition),
		errors.Is(err, fault.ErrExhausted), errors.Is(err, fault.ErrUnavailable):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("the %s: %w", d.name, ctx.Err())
	case isCorrupt(err):
		d.damaged.Store(true)
		return d.markDamaged(err.Error())
	case isTransient(err):
		return &Unavailable{text: "the " + d.name + " is unavailable; try again", cause: err.Error()}
	case isCode(err, 0, "22021", "22P05"):
		return fault.Invalidf("a text has a character that the %s cannot store", d.name)
	}
	return fmt.Errorf("the %s: %w", d.name, err)
}

// markDamaged returns the error for a corrupt database file, which only an operator can repair.
func (d *Database) markDamaged(cause string) error {
	return &Unavailable{text: "the " + d.name + " is unavailable: corrupt database file, restore a backup", cause: cause}
}

// isCorrupt reports whether err means that the database file is corrupt.
func isCorrupt(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// IsUniqueViolation reports whether err is a violation of a unique key or a primary key.
func IsUniqueViolation(err error) bool {
	return isCode(err, sqlite3.SQLITE_CONSTRAINT_UNIQUE, "23505") ||
		isCode(err, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, "23505")
}

// IsForeignKeyViolation reports whether err is a violation of a foreign key: the referenced row does not
// exist.
func IsForeignKeyViolation(err error) bool {
	return isCode(err, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23503")
}

// isAborted reports whether the database aborted the transaction of err in favor of another, so
// that it can be retried.
func isAborted(err error) bool {
	return isCode(err, sqlite3.SQLITE_BUSY_SNAPSHOT, "40001", "40P01") ||
		isCode(err, sqlite3.SQLITE_BUSY_RECOVERY, "40001")
}

// isTransient reports whether err is transient: the database is unreachable, locked or full.
func isTransient(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff { // the low byte is the primary result code
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM:
			return true
		}
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok { // regardless of the error code of the server
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		if isAborted(err) || e.Code == "25006" || e.Code == "55P03" { // a read-only standby, a lock timeout
			return true
		}
		for _, class := range []string{"08", "53", "57", "58"} { // connection, resources, operator, system
			if strings.HasPrefix(e.Code, class) {
				return true
			}
		}
		return false
	}
	if err.Error() == "sql: database is closed" { // database/sql exports no error for this
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, net.ErrClosed)
}

// isReadOnly reports whether err is a failed write to a database that may still serve reads:
// its disk is full, failing or read-only.
func isReadOnly(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY:
			return true
		}
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(e.Code, "53") || strings.HasPrefix(e.Code, "58") || e.Code == "25006")
}

// isCode reports whether err has the extended code in SQLite or one of the states in PostgreSQL.
func isCode(err error, code int, states ...string) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return code != 0 && e.Code() == code
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		for _, state := range states {
			if e.Code == state {
				return true
			}
		}
	}
	return false
}
