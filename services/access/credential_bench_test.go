package access_test

import (
	"context"
	"fmt"
	"testing"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/services/access"
)

// BenchmarkRecordAuditEntries measures what the handler adds to the cost of an entry of a batch.
func BenchmarkRecordAuditEntries(b *testing.B) {
	h := &access.CredentialHandler{Store: noStore{}}
	req := &accessv1.RecordAuditEntriesRequest{}
	for i := range 500 {
		e := entry(i)
		e.RequestId, e.TraceId = fmt.Sprintf("%026x", i), fmt.Sprintf("%032x", i)
		req.Entries = append(req.Entries, e)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.RecordAuditEntries(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(req.GetEntries())), "ns/entry")
}

// noStore stores no entries.
type noStore struct{ access.Store }

func (noStore) AddEntries(context.Context, []access.AuditEntry) error { return nil }
