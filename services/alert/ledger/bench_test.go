package ledger_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/alert/ledgertest"
)

// each runs a benchmark in both dialects.
func each(b *testing.B, f func(b *testing.B, l *ledger.Store)) {
	b.Run("sqlite", func(b *testing.B) { f(b, open(b, filepath.Join(b.TempDir(), "ledger.db"))) })
	b.Run("postgres", func(b *testing.B) { f(b, open(b, postgrestest.URL(b))) })
}

// queued returns n queued deliveries.
func queued(n int) []alert.Delivery {
	ds := make([]alert.Delivery, n)
	for i := range ds {
		ds[i] = alert.Delivery{
			Nickname: "user1", Messenger: "slack", SealedCredential: make([]byte, 60), Destination: "USER1_CHANNEL_ID", State: alert.Queued,
		}
	}
	return ds
}

// BenchmarkAddAlert adds alerts to three users each, 64 concurrent calls for each CPU.
func BenchmarkAddAlert(b *testing.B) {
	each(b, func(b *testing.B, l *ledger.Store) {
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				a := alert.Alert{Targets: []string{"@user1"}, Severity: "normal", Message: "node1 down", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour)}
				if _, err := l.AddAlert(b.Context(), a, queued(3), time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.ReportMetric(float64(3*b.N)/b.Elapsed().Seconds(), "deliveries/s")
	})
}

// BenchmarkRows adds an alert, claims its deliveries and reports them, one call at a time, to
// separate the cost of a transaction from that of its rows.
func BenchmarkRows(b *testing.B) {
	for _, rows := range []int{1, 100} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			each(b, func(b *testing.B, l *ledger.Store) {
				timed := func(name string, prepare func() []int64, step func(ids []int64)) {
					b.Run(name, func(b *testing.B) {
						for b.Loop() {
							b.StopTimer()
							ids := prepare()
							b.StartTimer()
							step(ids)
						}
					})
				}
				var claims []dispatch.Claim
				timed("add", func() []int64 { return nil }, func([]int64) { recorded(b, l, rows) })
				timed("claim", func() []int64 { return recorded(b, l, rows) }, func(ids []int64) { claimed(b, l, ids) })
				timed("report", func() []int64 { claims = claimed(b, l, recorded(b, l, rows)); return nil }, func([]int64) { reported(b, l, claims) })
			})
		})
	}
}

// BenchmarkClaimReport claims and reports a thousand deliveries at a time.
func BenchmarkClaimReport(b *testing.B) {
	const many = 1000
	each(b, func(b *testing.B, l *ledger.Store) {
		for b.Loop() {
			b.StopTimer()
			ids := recorded(b, l, many)
			b.StartTimer()
			reported(b, l, claimed(b, l, ids))
		}
		b.ReportMetric(float64(many*b.N)/b.Elapsed().Seconds(), "deliveries/s")
	})
}

// BenchmarkTakeDue takes two thousand due deliveries of a hundred thousand, of which none or all
// are held back, each to one of a hundred users.
func BenchmarkTakeDue(b *testing.B) {
	for _, hold := range []alert.Hold{alert.HoldNone, alert.HoldDigest} {
		b.Run("hold="+hold.String(), func(b *testing.B) {
			each(b, func(b *testing.B, l *ledger.Store) {
				now := time.Now()
				for range 100 {
					ds := queued(1000)
					for i := range ds {
						ds[i].Nickname = fmt.Sprint("user", i%100)
						if hold != alert.HoldNone {
							ds[i].Hold, ds[i].NextTime = hold, now
						}
					}
					a := alert.Alert{Severity: "normal", Message: "node1 down", CreateTime: now, ExpireTime: now.Add(time.Hour)}
					if _, err := l.AddAlert(b.Context(), a, ds, now); err != nil {
						b.Fatal(err)
					}
				}
				for b.Loop() {
					now = now.Add(time.Millisecond)
					if jobs, err := l.TakeDue(b.Context(), now, now.Add(time.Microsecond), 0, 2000, 5); err != nil || len(jobs) == 0 {
						b.Fatal(len(jobs), err)
					}
				}
			})
		})
	}
}

// recorded adds an alert with n deliveries, and returns their ids.
func recorded(b *testing.B, l *ledger.Store, n int) []int64 {
	b.Helper()
	ids := make([]int64, n)
	a := alert.Alert{Severity: "normal", Message: "node1 down", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour)}
	added, err := l.AddAlert(b.Context(), a, queued(n), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	for i, d := range added.Deliveries {
		ids[i] = d.ID
	}
	return ids
}

// claimed claims deliveries.
func claimed(b *testing.B, l *ledger.Store, ids []int64) []dispatch.Claim {
	b.Helper()
	claims, err := l.Claim(b.Context(), ids, ledgertest.Claimant(), time.Now(), time.Now().Add(time.Minute))
	if err != nil || len(claims) != len(ids) {
		b.Fatal(len(claims), err)
	}
	return claims
}

// reported reports claims as sent.
func reported(b *testing.B, l *ledger.Store, claims []dispatch.Claim) {
	b.Helper()
	reports := make([]dispatch.Report, len(claims))
	for i, c := range claims {
		reports[i] = dispatch.Report{
			DeliveryID: c.DeliveryID, Fence: c.Fence, StartTime: time.Now(), EndTime: time.Now(),
			Outcome: messenger.Outcome{Kind: messenger.Sent, Status: 200, MessageID: "1503435956.000247", Excerpt: `{"ok":true}`},
		}
	}
	if fenced, err := l.Report(b.Context(), reports, time.Now(), rule); err != nil || len(fenced) > 0 {
		b.Fatal(fenced, err)
	}
}

// BenchmarkBacklogs counts a hundred thousand queued deliveries, of a hundred alerts under ten
// credentials, beside twice as many completed ones.
func BenchmarkBacklogs(b *testing.B) {
	each(b, func(b *testing.B, l *ledger.Store) {
		for n := range 300 {
			ds := queued(1000)
			for i := range ds {
				ds[i].CredentialFingerprint = fmt.Sprint(i % 10)
				if n%3 > 0 {
					ds[i].State, ds[i].Reason, ds[i].EndTime = alert.Failed, "unknown_messenger", time.Now()
				}
			}
			a := alert.Alert{Severity: "normal", Message: "node1 down", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour)}
			if _, err := l.AddAlert(b.Context(), a, ds, time.Now()); err != nil {
				b.Fatal(err)
			}
		}
		for _, destinations := range []bool{false, true} {
			b.Run(fmt.Sprintf("destinations=%t", destinations), func(b *testing.B) {
				for b.Loop() {
					if all, err := l.Backlogs(b.Context(), time.Now(), destinations); err != nil || len(all) < 10 {
						b.Fatal(len(all), err)
					}
				}
			})
		}
	})
}
