package database_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

func TestMain(m *testing.M) {
	if url := os.Getenv("DATABASE_TEST_OPEN"); url != "" {
		os.Exit(openOnly(url))
	}
	postgrestest.Main(m, "KIT_TEST_POSTGRES")
}

// openOnly opens and closes a database, as a starting process does.
func openOnly(url string) int {
	d, err := database.Open(context.Background(), url, library)
	if err == nil {
		err = d.Close()
	}
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n") //nolint:errcheck // the process exits anyway
		return 1
	}
	return 0
}

// each runs a test in both dialects, with the URL of an empty database.
func each(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, "sqlite:"+filepath.Join(t.TempDir(), "a?b#c%20 d.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, postgrestest.URL(t)) })
}

// open opens a database that is closed when the test ends.
func open(t *testing.T, url string, schema database.Schema) *database.Database {
	t.Helper()
	d, err := database.Open(t.Context(), url, schema)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() }) //nolint:errcheck // a test may have closed it
	return d
}

// queryTexts returns the first column of the rows of a query.
func queryTexts(t *testing.T, d *database.Database, query string) []string {
	t.Helper()
	var all []string
	err := d.Read(t.Context(), func(ctx context.Context, x *database.Tx) (err error) {
		all, err = database.Select(ctx, x, func(rows *sql.Rows, s *string) error { return rows.Scan(s) }, query)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// change runs a statement.
func change(t *testing.T, d *database.Database, statement string) {
	t.Helper()
	err := d.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		_, err := x.Exec(ctx, statement)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestNewerIsRefused(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d := open(t, url, library)
		change(t, d, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (4711, true)`)
		_, err := database.Open(t.Context(), url, library)
		if err == nil {
			t.Fatal("a newer database was opened")
		}
		for _, word := range []string{"library", "version 4711", "up to 4", "newer program", "backup"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("error %q does not contain %q", err, word)
			}
		}
		if got := queryTexts(t, d, `SELECT max(version_id) FROM goose_db_version`); got[0] != "4711" {
			t.Errorf("version is %s after the refusal", got[0])
		}
	})
}

// TestProcessesStartAtOnce checks that processes which start concurrently on an empty database
// all open it.
func TestProcessesStartAtOnce(t *testing.T) {
	each(t, startAtOnce)
}

func startAtOnce(t *testing.T, url string) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			cmd := exec.CommandContext(t.Context(), os.Args[0])
			cmd.Env = append(os.Environ(), "DATABASE_TEST_OPEN="+url)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	all.Wait()
	if got := queryTexts(t, open(t, url, library), `SELECT count(*) FROM goose_db_version WHERE version_id = 1`); got[0] != "1" {
		t.Errorf("the first migration is recorded %s times", got[0])
	}
}

func TestPing(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		d := open(t, url, library)
		if err := d.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if err := d.Ping(t.Context()); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("error is %v, want %v", err, fault.ErrUnavailable)
		}
	})
}

func TestSQLiteSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	d := open(t, path, library)
	for query, want := range map[string]string{
		"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "2", "PRAGMA foreign_keys": "1", "PRAGMA busy_timeout": "5000",
	} {
		if got := queryTexts(t, d, query); got[0] != want {
			t.Errorf("reader: %s is %s, want %s", query, got[0], want)
		}
		err := d.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
			got, err := database.Select(ctx, x, func(rows *sql.Rows, s *string) error { return rows.Scan(s) }, query)
			if err == nil && got[0] != want {
				t.Errorf("writer: %s is %s, want %s", query, got[0], want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, and others may read it", file, info.Mode())
		}
	}
}

// TestConnectionString opens a PostgreSQL database by a libpq connection string.
func TestConnectionString(t *testing.T) {
	at, err := url.Parse(postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, "host="+at.Query().Get("host")+" user="+at.User.Username()+" dbname="+strings.TrimPrefix(at.Path, "/"), library)
	if got := queryTexts(t, d, "SELECT current_database()")[0]; "/"+got != at.Path {
		t.Errorf("%s was opened, want %s", got, at.Path)
	}
}

// TestPoolerCommitsToTheDisk checks that each transaction has its settings behind a pooler, which
// keeps none for a connection.
func TestPoolerCommitsToTheDisk(t *testing.T) {
	d := open(t, postgrestest.PooledURLs(t, postgrestest.URL)(t), library)
	name := queryTexts(t, d, "SELECT current_database()")[0]
	change(t, d, "ALTER DATABASE "+name+" SET synchronous_commit = off")
	if got := queryTexts(t, d, "SELECT current_setting('synchronous_commit') || current_setting('enable_seqscan') || current_setting('jit')")[0]; got != "onoffoff" {
		t.Errorf("settings are %s", got)
	}
}

// TestProcessesStartAtOncePooled is TestProcessesStartAtOnce behind a pooler.
func TestProcessesStartAtOncePooled(t *testing.T) {
	startAtOnce(t, postgrestest.PooledURLs(t, postgrestest.URL)(t))
}

func TestPostgresCommitsToTheDisk(t *testing.T) {
	url := postgrestest.URL(t)
	d := open(t, url, library)
	if got := queryTexts(t, d, "SELECT current_setting('enable_seqscan') || current_setting('jit')")[0]; got != "offoff" {
		t.Errorf("settings are %s", got)
	}
	name := queryTexts(t, d, "SELECT current_database()")[0]
	change(t, d, "ALTER DATABASE "+name+" SET synchronous_commit = off")
	for asked, want := range map[string]string{"": "on", "&synchronous_commit=off": "on", "&synchronous_commit=remote_apply": "remote_apply"} {
		if got := queryTexts(t, open(t, url+asked, library), "SHOW synchronous_commit"); got[0] != want {
			t.Errorf("with %q, synchronous_commit is %s, want %s", asked, got[0], want)
		}
	}
}

// TestNoPasswordInErrors checks that errors about the URL of a database contain no password.
func TestNoPasswordInErrors(t *testing.T) {
	for _, url := range []string{
		"postgres://kim:s3cret@127.0.0.1:1/x",
		"postgres://kim:s3cret@127.0.0.1:port/x",
		"postgres://kim:s3cret@127.0.0.1:1/x?sslmode=nonsense",
		"postgres://kim:s3cret%zz@127.0.0.1:1/x",
		"postgresql://kim@127.0.0.1:1/x?password=s3cret",
		"mysql://kim:s3cret@127.0.0.1:1/x",
		"postgres:///x?host=/nowhere&password=s3cret",
		"postgress://kim:s3cret@127.0.0.1:1/x",
		"host=127.0.0.1 port=1 user=kim password=s3cret dbname=x",
		"host=127.0.0.1 port=1 password='s3cret",
		"dbname=x password=s3cret host=127.0.0.1 port=1 sslmode=nonsense",
		"postgres://kim:s3cret@127.0.0.1:1/x?default_query_exec_mode=exec",
		"postgres://kim:s3cret@127.0.0.1:1/x?default_query_exec_mode=nonsense",
		"jdbc:postgresql://127.0.0.1:1/x?password=s3cret",
	} {
		_, err := database.Open(t.Context(), url, library)
		if err == nil {
			t.Fatalf("%s was opened", url)
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error %q contains the password", err)
		}
		if !strings.Contains(err.Error(), "open the library") {
			t.Errorf("error %q does not name the database", err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	for url, want := range map[string]string{
		"": "path", "sqlite:": "path", ":memory:": "path",
		filepath.Join(t.TempDir(), "missing", "x.db"): "folder does not exist",
		t.TempDir(): "directory",
	} {
		_, err := database.Open(t.Context(), url, library)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error is %v, want one that contains %q", url, err, want)
		}
	}
	t.Chdir(t.TempDir())
	for _, url := range []string{"hosst=h dbname=x", "postgress://h/x", "mysql://h/x", "sqlite://x.db", "file:x.db", " x.db"} {
		if _, err := database.Open(t.Context(), url, library); err == nil || !strings.Contains(err.Error(), "sqlite:PATH") {
			t.Errorf("%q: error is %v, want one that lists the accepted URLs", url, err)
		}
	}
	if made, err := os.ReadDir("."); err != nil || len(made) != 0 {
		t.Errorf("files were created: %v, %v", made, err)
	}
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database. ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := database.Open(t.Context(), path, library); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %v, want one that names %s", err, path)
	}
}
