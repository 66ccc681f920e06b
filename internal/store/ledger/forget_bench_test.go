package ledger_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/store/ledger"
)

// BenchmarkForget forgets alerts to one person each, a piece at a time: what a call
// takes is what accept, claim and report may have to wait for it.
func BenchmarkForget(b *testing.B) {
	for _, limit := range []int{150, 300, 1000} {
		b.Run(fmt.Sprintf("limit=%d", limit), func(b *testing.B) {
			each(b, func(b *testing.B, l *ledger.Store) {
				rows := 0
				for b.Loop() {
					b.StopTimer()
					over(b, l, limit/3)
					b.StartTimer()
					f, err := l.Forget(b.Context(), 0, time.Now().Add(time.Minute), limit)
					if err != nil || f.Alerts != limit/3 {
						b.Fatal(f, err)
					}
					rows += f.Alerts + f.Deliveries + f.Attempts
				}
				b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			})
		})
	}
}

// BenchmarkForgetGreat finds that an alert to 100,000 people is over: what is done at
// once, however many they are.
func BenchmarkForgetGreat(b *testing.B) {
	each(b, func(b *testing.B, l *ledger.Store) {
		for b.Loop() {
			b.StopTimer()
			reported(b, l, claimed(b, l, recorded(b, l, 100_000)))
			b.StartTimer()
			f, err := l.Forget(b.Context(), 0, time.Now().Add(time.Minute), 500)
			b.StopTimer()
			if err != nil || f.Alerts != 1 {
				b.Fatal(f, err)
			}
			for more := true; more; more = f.More {
				if f, err = l.Forget(b.Context(), f.Last, time.Now(), 10_000); err != nil {
					b.Fatal(err)
				}
			}
			b.StartTimer()
		}
	})
}

// over records alerts to one person each, who was sent them.
func over(b *testing.B, l *ledger.Store, alerts int) {
	b.Helper()
	ids := make([]int64, alerts)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() { ids[i] = recorded(b, l, 1)[0] })
	}
	all.Wait()
	reported(b, l, claimed(b, l, ids))
}
