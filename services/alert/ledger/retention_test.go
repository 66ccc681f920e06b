package ledger_test

import (
	"path/filepath"
	"testing"
	"time"
)

// TestDeletionWaits holds the write lock for a while: the time that a deletion waits for it does not
// count as time for which it held up others.
func TestDeletionWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := open(t, path)
	other, err := raw(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	const held = 50 * time.Millisecond
	start, ended := time.Now(), make(chan error, 1)
	time.AfterFunc(held, func() {
		_, err := other.ExecContext(t.Context(), `ROLLBACK`)
		ended <- err
	})
	d, err := l.DeleteCompleted(t.Context(), 0, time.Now(), 10)
	if waited := time.Since(start) - d.Took; err != nil || d.Took <= 0 || waited < held {
		t.Errorf("it waited %s and took %s, %v", waited, d.Took, err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
