package access_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/access"
	"github.com/bongsu-project/bongsu/services/access/store"
)

// now is the time of the tests.
var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// openStore opens an empty store until the test ends.
func openStore(t testing.TB) access.Store {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "access.db"))
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

func handler(t testing.TB) *access.Handler {
	return &access.Handler{Store: openStore(t), Now: func() time.Time { return now }}
}
