package ledger_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/alert/ledgertest"
)

// TestChainsInTwoProcesses lets two stores of one database concurrently report different
// deliveries of the same chains, in opposite orders: a sent delivery cancels the queued ones, a
// failed one releases the next, and no call fails because of the other store.
func TestChainsInTwoProcesses(t *testing.T) {
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			stores := []*ledger.Store{open(t, url), open(t, url)}
			const many, batch = 36, 9
			a := alert.Alert{Severity: "normal", Message: "x", CreateTime: clock(0), ExpireTime: clock(1000)}
			ds := queued(3 * many)
			for i := range ds {
				ds[i].Chain = int64(i/3 + 1)
				if i%3 > 0 {
					ds[i].State, ds[i].NextTime = alert.Held, clock(i%3*60)
				}
			}
			added, err := stores[0].AddAlert(t.Context(), a, ds, clock(500))
			if err != nil {
				t.Fatal(err)
			}
			a, ds = added.Alert, added.Deliveries
			outcomes := []messenger.Outcome{
				{Kind: messenger.Sent, Status: 200},
				{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "gone"},
				{Kind: messenger.Retry, Status: 503},
			}
			var reports [2][]dispatch.Report
			for place := range reports {
				if _, err := stores[0].TakeDue(t.Context(), clock(60*place), clock(500), 0, 1000, 5); err != nil {
					t.Fatal(err)
				}
				for n := range many {
					claims, err := stores[0].Claim(t.Context(), []int64{ds[3*n+place].ID}, ledgertest.Claimant(), clock(61), clock(100))
					if err != nil || len(claims) != 1 {
						t.Fatal(claims, err)
					}
					reports[place] = append(reports[place], dispatch.Report{
						DeliveryID: claims[0].DeliveryID, Fence: claims[0].Fence, StartTime: clock(62), EndTime: clock(63),
						Outcome: outcomes[[]int{n % 3, n / 3 % 3}[place]],
					})
				}
			}
			slices.Reverse(reports[1])
			var all sync.WaitGroup
			for place, l := range stores {
				all.Go(func() {
					for some := range slices.Chunk(reports[place], batch) {
						if fenced, err := l.Report(t.Context(), some, clock(63), rule); err != nil || len(fenced) > 0 {
							t.Error(fenced, err)
						}
					}
				})
			}
			all.Wait()
			_, got, err := stores[1].Alert(t.Context(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			for n := range many {
				want := []alert.State{
					[]alert.State{alert.Sent, alert.Failed, alert.Queued}[n%3],
					[]alert.State{alert.Sent, alert.Failed, alert.Queued}[n/3%3],
					alert.Held,
				}
				switch {
				case slices.Contains(want, alert.Sent):
					for i := range want {
						if want[i] == alert.Queued || want[i] == alert.Held {
							want[i] = alert.Canceled
						}
					}
				case want[1] == alert.Failed:
					want[2] = alert.Queued
				}
				if is := []alert.State{got[3*n].State, got[3*n+1].State, got[3*n+2].State}; !slices.Equal(is, want) {
					t.Errorf("chain %d is %v, want %v", n, is, want)
				}
			}
		})
	}
}
