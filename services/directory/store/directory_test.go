package store_test

import (
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/directory/store"
	"github.com/bongsu-project/bongsu/services/directory/storetest"
)

func TestMain(m *testing.M) { postgrestest.Main(m, testenv.Postgres) }

// current creates databases with the newest schema.
var current = postgrestest.Template{Fill: postgrestest.Opening(store.Open)}

// open opens the directory at a URL until the test ends.
func open(t testing.TB, url string) *store.Store {
	t.Helper()
	return kittest.Open(t, url, store.Open)
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	storetest.RunDirectory(t, func(t *testing.T) directory.Directory {
		return open(t, filepath.Join(t.TempDir(), "directory.db"))
	})
}

// TestChangesOfOtherProcesses proves that a process sees the changes of another one.
func TestChangesOfOtherProcesses(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "directory.db")
		changesAreFound(t, open(t, path), open(t, path))
	})
	t.Run("postgres", func(t *testing.T) {
		url := postgrestest.URL(t)
		changesAreFound(t, open(t, url), open(t, url))
	})
}

func changesAreFound(t *testing.T, mine, theirs *store.Store) {
	t.Helper()
	targets, err := target.ParseAll([]string{"@kim", "@@ops"})
	must(t, err)
	find := func(wantDestinations, wantUnknown int) {
		t.Helper()
		for range 2 { // from the database, then from the lookup cache
			found, unknown, err := mine.Find(t.Context(), targets)
			must(t, err)
			if len(found) != wantDestinations || len(unknown) != wantUnknown {
				t.Errorf("%d are found and %d unknown, want %d and %d", len(found), len(unknown), wantDestinations, wantUnknown)
			}
		}
	}
	find(0, 2)
	_, err = theirs.AddUser(t.Context(), directory.User{Nickname: "kim"})
	must(t, err)
	find(0, 1)
	_, err = theirs.AddAddress(t.Context(), "kim", directory.Address{Messenger: "slack", SealedCredential: []byte("x"), Destination: "C1"})
	must(t, err)
	find(1, 1)
	ops, err := theirs.AddGroup(t.Context(), "ops")
	must(t, err)
	lee, err := theirs.AddUser(t.Context(), directory.User{Nickname: "lee", Addresses: []directory.Address{{Messenger: "slack", SealedCredential: []byte("x"), Destination: "C2"}}})
	must(t, err)
	find(1, 0)
	must(t, theirs.AddMember(t.Context(), ops.ID, lee.Nickname))
	find(2, 0)
	must(t, theirs.DeleteUser(t.Context(), "kim"))
	find(1, 1)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	postgrestest.Require(t)
	storetest.RunDirectory(t, func(t *testing.T) directory.Directory {
		return open(t, current.URL(t))
	})
}

// TestPgBouncer runs the suite behind a connection pooler in transaction mode.
func TestPgBouncer(t *testing.T) {
	if testing.Short() {
		t.Skip("TestPostgres runs the same code under the race detector")
	}
	t.Parallel()
	url := postgrestest.PooledURLs(t, current.URL)
	storetest.RunDirectory(t, func(t *testing.T) directory.Directory {
		return open(t, url(t))
	})
}
