package ledger_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/alert"
)

// TestExpiredKeysAreDeleted checks that new keys delete keys that expired longer ago than the grace
// period, and no others.
func TestExpiredKeysAreDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l, beside := open(t, path), raw(t, path)
	add := func(key string, at time.Time) {
		t.Helper()
		a := alert.Alert{Severity: "normal", Message: "x", CreateTime: at, ExpireTime: at.Add(time.Hour), IdempotencyKey: key}
		if _, err := l.AddAlert(t.Context(), a, nil, at); err != nil {
			t.Fatal(err)
		}
	}
	count := func() (n int) {
		t.Helper()
		if err := beside.QueryRowContext(t.Context(), `SELECT count(*) FROM keys`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 10 {
		add(string(rune('a'+i)), clock(i))
	}
	add("A", clock(0).Add(alert.IdempotencyKeyTTL)) // "a" has expired, but not longer ago than the grace period
	if n := count(); n != 11 {
		t.Errorf("%d keys are kept, want 11", n)
	}
	for i := range 20 {
		add(string(rune('A'+i)), clock(0).Add(3*alert.IdempotencyKeyTTL))
	}
	if n := count(); n != 20 {
		t.Errorf("%d keys are kept, want the last 20", n)
	}
}
