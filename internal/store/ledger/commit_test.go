package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/store/database"
)

var errBad = errors.New("a bad one")

// A log is a committer that writes numbers, and what it wrote in each turn. A
// negative number is a bad one.
type log struct {
	*committer[int]
	mu    sync.Mutex
	turns [][]int
}

func newLog(t *testing.T) *log {
	t.Helper()
	db, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), Schema)
	if err != nil {
		t.Fatal(err)
	}
	l := &log{}
	l.committer = newCommitter(db, 3, func(int) int { return 1 }, func(_ context.Context, _ *database.Tx, numbers []int) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.turns = append(l.turns, slices.Clone(numbers))
		if slices.Min(numbers) < 0 {
			return errBad
		}
		return nil
	})
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// waitingCall is a call that waits for its answer.
func waitingCall(ctx context.Context, number int) call[int] {
	return call[int]{ctx: ctx, what: number, answer: make(chan error, 1)}
}

func TestBadOnesFailAlone(t *testing.T) {
	l := newLog(t)
	defer l.close()
	numbers := []int{1, -2, 3}
	var calls []call[int]
	for _, n := range numbers {
		calls = append(calls, waitingCall(t.Context(), n))
	}
	l.commit(calls)
	for i, c := range calls {
		if err := <-c.answer; (numbers[i] < 0) != errors.Is(err, errBad) {
			t.Errorf("%d: error is %v", numbers[i], err)
		}
	}
	if want := [][]int{{1, -2, 3}, {1}, {-2}, {3}}; !slices.EqualFunc(l.turns, want, slices.Equal) {
		t.Errorf("turns are %v, want %v", l.turns, want)
	}
}

func TestWhoWentAwayIsLeftOut(t *testing.T) {
	l := newLog(t)
	defer l.close()
	ctx, cancel := context.WithCancel(t.Context())
	gone, here := waitingCall(ctx, 1), waitingCall(t.Context(), 2)
	cancel()
	l.commit([]call[int]{gone, here})
	if err := <-gone.answer; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want that of the context", err)
	}
	if err := <-here.answer; err != nil {
		t.Error(err)
	}
	if want := [][]int{{2}}; !slices.EqualFunc(l.turns, want, slices.Equal) {
		t.Errorf("turns are %v, want %v", l.turns, want)
	}
}

// TestNoCommitIsTooLong proves that commits are bounded, and none is lost.
func TestNoCommitIsTooLong(t *testing.T) {
	l := newLog(t)
	defer l.close()
	const many = 100
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			if err := l.do(t.Context(), i); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, turn := range l.turns {
		if len(turn) > l.most {
			t.Errorf("%d calls share a commit, at most %d may", len(turn), l.most)
		}
	}
	written := slices.Sorted(slices.Values(slices.Concat(l.turns...)))
	if len(slices.Compact(written)) != many {
		t.Errorf("%d of %d are written", len(written), many)
	}
}

func TestClosedCommitterRefuses(t *testing.T) {
	l := newLog(t)
	l.close()
	if err := l.do(t.Context(), 1); !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("error is %v, want %v", err, fault.ErrUnavailable)
	}
	if len(l.turns) != 0 {
		t.Errorf("turns are %v after the end", l.turns)
	}
}
