package store_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/store"
	"github.com/bongsu-project/bongsu/services/monitor/storetest"
)

func TestMain(m *testing.M) { postgrestest.Main(m, testenv.Postgres) }

// current creates databases with the newest schema.
var current = postgrestest.Template{Fill: func(ctx context.Context, url string) error {
	s, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	return s.Close()
}}

// open opens the store at a URL until the test ends.
func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.RunStore(t, func(t *testing.T) monitor.Store {
		return open(t, filepath.Join(t.TempDir(), "monitor.db"))
	})
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	postgrestest.Require(t)
	storetest.RunStore(t, func(t *testing.T) monitor.Store { return open(t, current.URL(t)) })
}

// TestPgBouncer runs the suite behind a connection pooler in transaction mode.
func TestPgBouncer(t *testing.T) {
	if testing.Short() {
		t.Skip("TestPostgres runs the same code under the race detector")
	}
	t.Parallel()
	url := postgrestest.PooledURLs(t, current.URL)
	storetest.RunStore(t, func(t *testing.T) monitor.Store { return open(t, url(t)) })
}
