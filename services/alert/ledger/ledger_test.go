package ledger_test

import (
	"context"
	"flag"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/alert/ledgertest"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", strconv.Itoa(testenv.Pick(40, 100))); err != nil {
		panic(err)
	}
	postgrestest.Main(m, testenv.Postgres)
}

// current creates databases of the current schema version.
var current = postgrestest.Template{Fill: func(ctx context.Context, url string) error {
	s, err := ledger.Open(ctx, url, time.Now)
	if err != nil {
		return err
	}
	return s.Close()
}}

// open opens the ledger at a URL and closes it when the test ends.
func open(t testing.TB, url string) *ledger.Store {
	t.Helper()
	s, err := ledger.Open(t.Context(), url, time.Now)
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
	ledgertest.RunLedger(t, func(t *testing.T) alert.Ledger {
		return open(t, filepath.Join(t.TempDir(), "ledger.db"))
	})
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	postgrestest.Require(t)
	ledgertest.RunLedger(t, func(t *testing.T) alert.Ledger {
		return open(t, current.URL(t))
	})
}

// TestPgBouncer runs the suite behind a pooler in transaction mode.
func TestPgBouncer(t *testing.T) {
	if testing.Short() {
		t.Skip("TestPostgres runs the same code under the race detector")
	}
	t.Parallel()
	url := postgrestest.PooledURLs(t, current.URL)
	ledgertest.RunLedger(t, func(t *testing.T) alert.Ledger {
		return open(t, url(t))
	})
}
