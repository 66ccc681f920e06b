package store_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/access"
)

// BenchmarkAddEntries measures the cost of an entry in a batch of an edge: 500 entries in which
// several callers alternate.
func BenchmarkAddEntries(b *testing.B) {
	for _, callers := range []int{1, 20} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			const batch = 500
			s := open(b, filepath.Join(b.TempDir(), "access.db"))
			entries := make([]access.AuditEntry, batch)
			start := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
			number := 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for i := range entries {
					number++
					entries[i] = access.AuditEntry{
						ID: fmt.Sprintf("K7M2XQ4T%012x", number), Time: start.Add(time.Duration(number) * time.Millisecond),
						Caller: fmt.Sprintf("k7m2xq4t5pdzn3%02d", number%callers), CallerName: "checkout", Address: "10.0.0.7",
						Procedure: "bongsu.alert.v1.AlertService/SendAlert", Resource: fmt.Sprintf("alerts/%d", number), Outcome: "ok",
						RequestID: fmt.Sprintf("%026x", number*7919), TraceID: fmt.Sprintf("%032x", number*104729),
					}
				}
				b.StartTimer()
				if err := s.AddEntries(b.Context(), entries); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/entry")
		})
	}
}
