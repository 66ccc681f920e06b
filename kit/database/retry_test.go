package database

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// errAborted is the error of a transaction that PostgreSQL aborted in favor of another.
var errAborted = &pgconn.PgError{Code: "40001", Message: "could not serialize access"}

// TestRetryDelays checks the number of retries and the bounds of the delay before each.
func TestRetryDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs, last := 0, time.Now()
		err := retryAborted(t.Context(), func() error {
			waited := time.Since(last)
			last = time.Now()
			if runs > 0 {
				delay := min(5*time.Millisecond<<(runs-1), 200*time.Millisecond)
				if waited < delay/2 || waited > delay*3/2 {
					t.Errorf("retry %d begins after %s, want %s ± 50%%", runs, waited, delay)
				}
			}
			runs++
			return errAborted
		})
		if runs != 9 || !errors.Is(err, errAborted) {
			t.Errorf("%d runs, error %v; want 9, and the last error of the database", runs, err)
		}
	})
}

func TestRetryEnds(t *testing.T) {
	stop := errors.New("stopped by an operator")
	for _, test := range []struct {
		name string
		run  func(n int, cancel context.CancelCauseFunc) error
		runs int
		want error
	}{
		{"after a success", func(int, context.CancelCauseFunc) error { return nil }, 1, nil},
		{"after another error", func(int, context.CancelCauseFunc) error { return errDuplicateRow }, 1, errDuplicateRow},
		{"after a retry succeeds", func(n int, _ context.CancelCauseFunc) error {
			if n < 3 {
				return errAborted
			}
			return nil
		}, 3, nil},
		{"after a retry fails with another error", func(n int, _ context.CancelCauseFunc) error {
			if n < 2 {
				return errAborted
			}
			return errDuplicateRow
		}, 2, errDuplicateRow},
		{"with its context", func(_ int, cancel context.CancelCauseFunc) error {
			cancel(stop)
			return errAborted
		}, 1, stop},
		{"with success although its context ended during the first commit", func(_ int, cancel context.CancelCauseFunc) error {
			cancel(stop)
			return nil
		}, 1, nil},
		{"with success although its context ended during a retried commit", func(n int, cancel context.CancelCauseFunc) error {
			if n < 2 {
				return errAborted
			}
			cancel(stop)
			return nil
		}, 2, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			runs := 0
			err := retryAborted(ctx, func() error {
				runs++
				return test.run(runs, cancel)
			})
			if runs != test.runs || !errors.Is(err, test.want) {
				t.Errorf("%d runs, error %v; want %d, %v", runs, err, test.runs, test.want)
			}
		})
	}
	t.Run("before it begins if its context has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(stop)
		err := retryAborted(ctx, func() error { t.Error("it has begun"); return nil })
		if !errors.Is(err, stop) {
			t.Errorf("error is %v, want %v", err, stop)
		}
	})
}

// TestRetryAllocates checks that a transaction without a retry allocates nothing for retries.
func TestRetryAllocates(t *testing.T) {
	f := func() error { return nil }
	if n := testing.AllocsPerRun(100, func() { _ = retryAborted(t.Context(), f) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

var errDuplicateRow = &pgconn.PgError{Code: "23505", Message: "duplicate key"}
