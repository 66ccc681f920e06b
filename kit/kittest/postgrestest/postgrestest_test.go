package postgrestest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// variable may name a server for the tests of this package.
const variable = "KIT_TEST_POSTGRES"

func TestMain(m *testing.M) { postgrestest.Main(m, variable) }

// currentDatabase returns the result of SELECT current_database().
func currentDatabase(ctx context.Context, url string) (name string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	return name, conn.QueryRow(ctx, "SELECT current_database()").Scan(&name)
}

// TestServerOfTheEnvironment checks that the server named by the environment variable is used,
// and not stopped.
func TestServerOfTheEnvironment(t *testing.T) {
	url := postgrestest.URL(t)
	t.Setenv(variable, url)
	s, err := postgrestest.Start(t.Context(), variable)
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if name, err := currentDatabase(t.Context(), made); err != nil || made == url || name == "" {
		t.Errorf("%s returns %q, %v", made, name, err)
	}
	if err := s.DropDatabase(t.Context(), made); err != nil {
		t.Error(err)
	}
	if name, err := currentDatabase(t.Context(), made); err == nil {
		t.Errorf("%s returns %q after it was dropped", made, name)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := currentDatabase(t.Context(), url); err != nil {
		t.Errorf("the server of the environment does not respond after Stop: %v", err)
	}
}

// TestSettings checks that the settings of a caller override the defaults for tests.
func TestSettings(t *testing.T) {
	postgrestest.Require(t)
	t.Setenv(variable, "")
	s, err := postgrestest.Start(t.Context(), variable, "fsync=on")
	if errors.Is(err, postgrestest.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	}()
	url, err := s.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	var fsync string
	if err := errors.Join(conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync), conn.Close(t.Context())); err != nil || fsync != "on" {
		t.Errorf("fsync is %q, %v", fsync, err)
	}
}

func TestURLsAreFresh(t *testing.T) {
	if a, b := postgrestest.URL(t), postgrestest.URL(t); a == b {
		t.Errorf("two calls return %s", a)
	}
}

// TestCopies checks that each copy of a template is a separate database with the contents of the
// template, which is filled once.
func TestCopies(t *testing.T) {
	filled := 0
	template := postgrestest.Template{Fill: func(ctx context.Context, url string) error {
		filled++
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "CREATE TABLE things (name text)")
		return errors.Join(err, conn.Close(ctx))
	}}
	for range 2 {
		conn, err := pgx.Connect(t.Context(), template.URL(t))
		if err != nil {
			t.Fatal(err)
		}
		var count int
		_, err = conn.Exec(t.Context(), "INSERT INTO things VALUES ('x')")
		err = errors.Join(err, conn.QueryRow(t.Context(), "SELECT count(*) FROM things").Scan(&count), conn.Close(t.Context()))
		if err != nil || count != 1 || filled != 1 {
			t.Errorf("a copy has %d things, filled %d times, %v", count, filled, err)
		}
	}
}
