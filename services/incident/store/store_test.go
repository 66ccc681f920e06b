package store_test

import (
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/incident"
	"github.com/bongsu-project/bongsu/services/incident/store"
	"github.com/bongsu-project/bongsu/services/incident/storetest"
)

func TestMain(m *testing.M) { postgrestest.Main(m, testenv.Postgres) }

// current creates databases with the newest schema.
var current = postgrestest.Template{Fill: postgrestest.Opening(store.Open)}

// open opens the store at a URL until the test ends.
func open(t testing.TB, url string) *store.Store {
	t.Helper()
	return kittest.Open(t, url, store.Open)
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.RunStore(t, func(t *testing.T) incident.Store {
		return open(t, filepath.Join(t.TempDir(), "incident.db"))
	})
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	postgrestest.Require(t)
	storetest.RunStore(t, func(t *testing.T) incident.Store { return open(t, current.URL(t)) })
}

// TestPgBouncer runs the suite behind a connection pooler in transaction mode.
func TestPgBouncer(t *testing.T) {
	if testing.Short() {
		t.Skip("TestPostgres runs the same code under the race detector")
	}
	t.Parallel()
	url := postgrestest.PooledURLs(t, current.URL)
	storetest.RunStore(t, func(t *testing.T) incident.Store { return open(t, url(t)) })
}
