package alert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/services/alert"
)

// BenchmarkSilenceSet measures what silences cost an alert that none of them matches.
func BenchmarkSilenceSet(b *testing.B) {
	now := time.Now()
	a := alert.Alert{
		Severity: "high", AlertKey: "disk of db1", Targets: []string{"@kim", "@@ops"}, CreateTime: now,
		Details: []job.Detail{{Name: "host", Value: "db1.example.com"}, {Name: "rack", Value: "7"}},
	}
	for _, n := range []int{0, 1, 500} {
		set := new(alert.SilenceSet)
		var all []alert.Silence
		for i := range n {
			all = append(all, silenceOf(b, int64(i+1), now, `severity="high"`, fmt.Sprintf(`host=~"web%d.*"`, i)))
		}
		set.Replace(all)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if set.Find(a) != 0 {
					b.Fatal("found")
				}
			}
		})
	}
}
