package queue

import (
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

// BenchmarkWire encodes and decodes a job of five deliveries.
func BenchmarkWire(b *testing.B) {
	j := job.Job{AlertID: 227894805024210944, Messenger: "slack", Rank: job.Normal, Content: job.Content{
		Text: "[normal] node1 down", Severity: "normal", Title: "Node down", Link: "https://grafana.example/d/1",
		Details: []job.Detail{{Name: "host", Value: "node1"}, {Name: "zone", Value: "a"}}, Time: time.Unix(1_800_000_000, 0).UTC(),
	}}
	for range 5 {
		j.Deliveries = append(j.Deliveries, job.Delivery{
			ID: 227894805024210945, Destination: "USER1_CHANNEL_ID", SealedCredential: make([]byte, 90), CredentialFingerprint: strings.Repeat("a", 32),
		})
	}
	payload, err := encodeJobs([]job.Job{j})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(payload)))
		for b.Loop() {
			if _, err := encodeJobs([]job.Job{j}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(payload)))
		for b.Loop() {
			if got, err := decodeJobs(payload); err != nil || len(got) != 1 {
				b.Fatal(got, err)
			}
		}
	})
}
