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

	"github.com/bongsu-project/bongsu/internal/fault"
)

// Unavailable is a fault.ErrUnavailable whose text is for outsiders. Its cause
// is for logs.
type Unavailable struct {
	name  string
	cause string
}

// Error says what is unavailable.
func (u *Unavailable) Error() string { return u.name + ": " + fault.ErrUnavailable.Error() }

// Unwrap gives fault.ErrUnavailable.
func (u *Unavailable) Unwrap() error { return fault.ErrUnavailable }

// Cause is what the database said. It holds no password and no parameter.
func (u *Unavailable) Cause() string { return u.cause }

// fault turns an error into one of package fault where it is one. The end of
// ctx stays what it is.
func (d *Database) fault(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fault.ErrInvalid), errors.Is(err, fault.ErrNotFound),
		errors.Is(err, fault.ErrExists), errors.Is(err, fault.ErrUnavailable):
		return err
	case ctx.Err() != nil:
		return fmt.Errorf("the %s: %w", d.name, ctx.Err())
	case damaged(err):
		d.damaged.Store(true)
		return d.damage(err.Error())
	case unavailable(err):
		return &Unavailable{name: "the " + d.name, cause: err.Error()}
	case isCode(err, 0, "22021", "22P05"):
		return fmt.Errorf("a text holds a character that the %s cannot keep: %w", d.name, fault.ErrInvalid)
	}
	return fmt.Errorf("the %s: %w", d.name, err)
}

// damage says that the database holds garbage, which only an operator can change.
func (d *Database) damage(cause string) error {
	return &Unavailable{name: "the " + d.name + ", whose file is damaged and must be restored", cause: cause}
}

// damaged says whether err is that of a file that holds garbage.
func damaged(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqlite3.SQLITE_CORRUPT || e.Code()&0xff == sqlite3.SQLITE_NOTADB)
}

// IsTaken says whether err is that of a row whose key is taken.
func IsTaken(err error) bool {
	return isCode(err, sqlite3.SQLITE_CONSTRAINT_UNIQUE, "23505") ||
		isCode(err, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, "23505")
}

// IsOrphan says whether err is that of a row that refers to one that is not
// there.
func IsOrphan(err error) bool {
	return isCode(err, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23503")
}

// gaveUp says whether the database gave up err's transaction in favour of
// another, so that it can be tried again.
func gaveUp(err error) bool {
	return isCode(err, sqlite3.SQLITE_BUSY_SNAPSHOT, "40001", "40P01") ||
		isCode(err, sqlite3.SQLITE_BUSY_RECOVERY, "40001")
}

// unavailable says whether err may pass: the database is gone, locked or full.
func unavailable(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff { // the rest says more exactly what
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM:
			return true
		}
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok { // whatever the server said
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		if gaveUp(err) || e.Code == "25006" || e.Code == "55P03" { // a standby, a lock
			return true
		}
		for _, class := range []string{"08", "53", "57", "58"} { // connection, resources, operator, system
			if strings.HasPrefix(e.Code, class) {
				return true
			}
		}
		return false
	}
	if err.Error() == "sql: database is closed" { // which database/sql does not name
		return true
	}
	_, network := errors.AsType[net.Error](err)
	return network || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, net.ErrClosed)
}

// readsOnly says whether err is that of a write to a database that may still answer
// who reads: its disk is full, broken or read-only.
func readsOnly(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY:
			return true
		}
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (strings.HasPrefix(e.Code, "53") || strings.HasPrefix(e.Code, "58") || e.Code == "25006")
}

// isCode says whether err is SQLite's extended code or one of PostgreSQL's.
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
