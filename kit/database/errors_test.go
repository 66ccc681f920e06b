package database_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// isUnavailable fails the test unless err is fault.ErrUnavailable with the text for callers and
// a cause for logs.
func isUnavailable(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, fault.ErrUnavailable) {
		t.Fatalf("error is %v, want %v", err, fault.ErrUnavailable)
	}
	if want := "the library is unavailable; try again"; err.Error() != want {
		t.Errorf("error is %q, want %q", err, want)
	}
	if u, ok := errors.AsType[*database.Unavailable](err); !ok || u.Cause() == "" {
		t.Errorf("error %v has no cause", err)
	}
}

// nothing runs a statement that changes no row.
func nothing(ctx context.Context, x *database.Tx) error {
	_, err := x.Exec(ctx, `DELETE FROM users WHERE id < 0`)
	return err
}

// TestDamagedStaysUnavailable writes garbage into the file of an open database: the next write
// fails with the cause, and the database stays unavailable although other pages are readable.
func TestDamagedStaysUnavailable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := open(t, path, library).Close(); err != nil { // so that the file has all of the data
		t.Fatal(err)
	}
	d := open(t, path, library)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 2 * 4096; i < len(content); i++ {
		content[i] = 'x'
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	err = d.Write(t.Context(), nothing)
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "corrupt database file, restore a backup") {
		t.Fatalf("a write returned %v", err)
	}
	for range 3 {
		if err := d.Ping(t.Context()); !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "corrupt") {
			t.Errorf("ping returned %v, want unavailable", err)
		}
	}
}

func TestLockedIsUnavailable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path, library)
	other, err := sql.Open("sqlite", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	isUnavailable(t, d.Write(t.Context(), nothing)) // after the busy timeout of five seconds
	if err := d.Ping(t.Context()); err != nil {
		t.Errorf("a read failed while a writer has the lock: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), nothing); err != nil {
		t.Error(err)
	}
}

func TestFullIsUnavailable(t *testing.T) {
	d := open(t, filepath.Join(t.TempDir(), "x.db"), library)
	isUnavailable(t, d.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		if _, err := database.Select(ctx, x, func(rows *sql.Rows, n *int) error { return rows.Scan(n) }, `PRAGMA max_page_count = 1`); err != nil {
			return err
		}
		_, err := x.Exec(ctx, `INSERT INTO users (nickname) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
			SELECT 'user' || i FROM n`)
		return err
	}))
}

// TestLostConnections checks that the database is used again as soon as a server that closed all
// connections is back, and that it is unavailable while the server is gone.
func TestLostConnections(t *testing.T) {
	d, other := open(t, postgrestest.URL(t), library), open(t, postgrestest.URL(t), library)
	name := queryTexts(t, d, "SELECT current_database()")[0]
	end := `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + name + `'`

	err := d.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		if err := nothing(ctx, x); err != nil {
			return err
		}
		change(t, other, end) //nolint:contextcheck // another store, in another transaction
		return nothing(ctx, x)
	})
	isUnavailable(t, err)
	if err := d.Write(t.Context(), nothing); err != nil {
		t.Error(err)
	}

	change(t, other, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
	change(t, other, end)
	isUnavailable(t, d.Ping(t.Context()))
	isUnavailable(t, d.Write(t.Context(), nothing))
	change(t, other, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true")
}

// TestAbortedIsRetried makes two transactions deadlock: PostgreSQL aborts one of them, which
// is retried.
func TestAbortedIsRetried(t *testing.T) {
	d := open(t, postgrestest.URL(t), library)
	change(t, d, `INSERT INTO users (nickname) VALUES ('a'), ('b')`)
	both := make(chan struct{}, 2)
	first := make(chan struct{}) // closed when one transaction has ended
	var once sync.Once
	runs := make(chan int, 2)
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		go func() {
			n := 0
			err := d.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
				if n++; n > 1 {
					<-first // otherwise it might overtake the other transaction and deadlock again
				}
				for i, name := range order {
					if _, err := x.Exec(ctx, `UPDATE users SET nickname = nickname WHERE nickname = ?`, name); err != nil {
						return err
					}
					if i == 0 && n == 1 {
						both <- struct{}{}
						for len(both) < cap(both) { // until the other has locked its first row too
							if ctx.Err() != nil {
								return ctx.Err()
							}
						}
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			once.Do(func() { close(first) })
			runs <- n
		}()
	}
	if n := <-runs + <-runs; n != 3 {
		t.Errorf("two transactions ran %d times, want 3", n)
	}
}

func TestTextThatCannotBeKept(t *testing.T) {
	d := open(t, postgrestest.URL(t), library)
	err := d.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		_, err := x.Exec(ctx, `INSERT INTO users (nickname) VALUES (?)`, "a\xff")
		return err
	})
	if !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("error is %v, want %v", err, fault.ErrInvalid)
	}
}

func TestContextThatEnded(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d := open(t, url, library)
		ctx, cancel := context.WithCancel(t.Context())
		err := d.Write(ctx, func(ctx context.Context, x *database.Tx) error {
			cancel()
			return nothing(ctx, x)
		})
		if !errors.Is(err, context.Canceled) || errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "library") {
			t.Errorf("error is %v, want the error of the context", err)
		}
	})
}
