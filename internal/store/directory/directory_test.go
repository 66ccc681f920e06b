package directory_test

import (
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/internal/store/directory"
	"github.com/bongsu-project/bongsu/internal/store/postgrestest"
	"github.com/bongsu-project/bongsu/internal/store/storetest"
	"github.com/bongsu-project/bongsu/services/group"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// open opens the directory at a URL until the test ends.
func open(t testing.TB, url string) *directory.Store {
	t.Helper()
	s, err := directory.Open(t.Context(), url)
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
	storetest.RunDirectory(t, func(t *testing.T) group.Directory {
		return open(t, filepath.Join(t.TempDir(), "directory.db"))
	})
}

func TestPostgres(t *testing.T) {
	postgrestest.Need(t)
	storetest.RunDirectory(t, func(t *testing.T) group.Directory {
		return open(t, postgrestest.URL(t))
	})
}
