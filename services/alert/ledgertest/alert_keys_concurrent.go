package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

func testThreadsConcurrent(t *testing.T, l alert.Ledger) { RunConcurrentAlertKeys(t, l) }

// RunConcurrentAlertKeys records firing and resolved alerts of a few keys from concurrent
// callers, while senders claim and report in any order: the deliveries of a key to an address are
// sent in the order of their alerts, no two of them are claimed at the same time, no resolved one
// is sent without a firing one, and the last one sent is resolved. The ledgers share one
// database.
func RunConcurrentAlertKeys(t *testing.T, ledgers ...alert.Ledger) {
	const keys, rounds, users = 3, 4, 2
	var mu sync.Mutex
	ofThread := map[string][]alert.Delivery{} // in the order of recording
	resolves := map[int64]bool{}
	var all []int64
	l := ledgers[0]
	record := func(l alert.Ledger, key string, resolved bool) {
		ds := queuedDeliveries(users)
		if resolved {
			resolve(t, l, key, "normal", ds, 0)
		} else {
			fire(t, l, key, "critical", ds, 0)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, d := range ds {
			name := key + " " + d.Nickname
			ofThread[name] = append(ofThread[name], d)
			resolves[d.ID] = resolved
			all = append(all, d.ID)
		}
	}
	done := make(chan struct{})
	errs := make(chan []error, 1)
	go func() {
		errs <- kittest.Concurrently(keys, func(i int) error {
			for n := range rounds {
				record(ledgers[n%len(ledgers)], fmt.Sprint("key", i), false)
				record(ledgers[(i+n+1)%len(ledgers)], fmt.Sprint("key", i), true)
			}
			return nil
		})
		close(done)
	}()
	claimed := map[int64]bool{}
	var order []int64 // ids of sent deliveries
	var senders sync.WaitGroup
	work := func(l alert.Ledger, outcomes []messenger.OutcomeKind) {
		mu.Lock()
		some := slices.Clone(all)
		mu.Unlock()
		request := Claimant()
		claims, err := retried(func() ([]dispatch.Claim, error) { return l.Claim(t.Context(), some, request, at(1), at(1000)) })
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		for _, c := range claims {
			claimed[c.DeliveryID] = true
			for _, ds := range ofThread {
				open := slices.DeleteFunc(slices.Clone(ds), func(d alert.Delivery) bool { return !claimed[d.ID] })
				if len(open) > 1 {
					t.Errorf("two deliveries of one thread are claimed: %d and %d", open[0].ID, open[1].ID)
				}
			}
		}
		mu.Unlock()
		for i, c := range claims {
			r := reported(c, 1, messenger.Outcome{Kind: outcomes[i%len(outcomes)], Code: "code"})
			mu.Lock()
			if r.Outcome.Kind == messenger.Sent {
				order = append(order, c.DeliveryID)
			}
			delete(claimed, c.DeliveryID)
			mu.Unlock()
			if _, err := retried(func() ([]int64, error) { return l.Report(t.Context(), []dispatch.Report{r}, at(1), rule) }); err != nil {
				t.Error(err)
			}
		}
	}
	for i := range 3 {
		senders.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					work(ledgers[i%len(ledgers)], []messenger.OutcomeKind{messenger.Sent, messenger.OutcomeKind(int(messenger.Sent) + i)})
				}
			}
		})
	}
	senders.Wait()
	for _, err := range <-errs {
		kittest.NoError(t, err)
	}
	for now := 100; ; now += 100 {
		jobs := due(t, l, now, 1000)
		claims, err := l.Claim(t.Context(), all, Claimant(), at(now), at(now+50))
		kittest.NoError(t, err)
		if len(jobs)+len(claims) == 0 {
			break
		}
		for _, c := range claims {
			order = append(order, c.DeliveryID)
			report(t, l, successReport(c, now+1))
		}
	}
	for name, ds := range ofThread {
		var got []int // positions in the thread
		for _, id := range order {
			if place := slices.IndexFunc(ds, func(d alert.Delivery) bool { return d.ID == id }); place >= 0 {
				got = append(got, place)
			}
		}
		if !slices.IsSorted(got) {
			t.Errorf("%s: sent in the order %v", name, got)
		}
		for i, place := range got {
			if resolves[ds[place].ID] && (i == 0 || resolves[ds[got[i-1]].ID]) {
				t.Errorf("%s: sent delivery %d is resolved and does not follow a firing one: %v", name, i, got)
			}
		}
		if len(got) > 0 && !resolves[ds[got[len(got)-1]].ID] {
			t.Errorf("%s: the last sent delivery is firing: %v", name, got)
		}
	}
	backlogs, err := l.Backlogs(t.Context(), at(1), false)
	kittest.NoError(t, err)
	kittest.Equal(t, len(backlogs), 0) // no delivery is stuck
}

// retried calls the ledger up to five times while it is unavailable, as senders do: two
// stores that write without a pause may keep each other from the lock of a SQLite file for
// longer than its busy timeout.
func retried[T any](call func() (T, error)) (res T, err error) {
	for range 5 {
		if res, err = call(); !errors.Is(err, fault.ErrUnavailable) {
			break
		}
	}
	return res, err
}
