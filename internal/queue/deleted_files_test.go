package queue_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/queue"
)

// TestLanesWithoutFolder deletes the files of an external broker while nothing is
// taken or enqueued: opening the lanes detects it, and the new generation reports that
// earlier jobs may be lost.
func TestLanesWithoutFolder(t *testing.T) {
	dir := t.TempDir()
	q, conn := openQueue(t, dir)
	_, stop := lanes(t, q)
	put(t, q, sample(job.Normal, 7))
	until(t, func() bool { return inHand(t, conn) == 1 }) // the consumers exist
	stop()
	before := epoch(t, q)
	for os.RemoveAll(dir) != nil { // the broker writes concurrently
	}
	l, stop := lanes(t, q)
	defer stop()
	until(t, func() bool { return epoch(t, q) != before })
	after := epoch(t, q)
	put(t, q, sample(job.Normal, 9))
	for take(t, l, 1)[0].Jobs[0].AlertID != 9 {
	}
	if epoch(t, q) != after { // only the first of the four lanes replaced the stream
		t.Error("the stream was recreated more than once")
	}
}

// TestGenerationWithoutFolder deletes the files of the embedded broker while nothing is enqueued
// or taken: the generation changes at once.
func TestGenerationWithoutFolder(t *testing.T) {
	dir := t.TempDir()
	broker, err := queue.StartBroker(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	q, err := broker.Open(t.Context(), time.Minute, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	l, stop := lanes(t, q)
	defer stop()
	put(t, q, sample(job.Normal, 7))
	take(t, l, 1)
	before := epoch(t, q)
	if epoch(t, q) != before {
		t.Error("another epoch, though nothing happened")
	}
	for os.RemoveAll(dir) != nil { // the broker writes concurrently
	}
	after := epoch(t, q)
	if after == before || epoch(t, q) != after {
		t.Errorf("the epoch was %s, and is %s, then %s", before, after, epoch(t, q))
	}
	put(t, q, sample(job.Normal, 9))
	for take(t, l, 1)[0].Jobs[0].AlertID != 9 {
	}
}

func epoch(t *testing.T, q *queue.Queue) string {
	t.Helper()
	generation, err := q.Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return generation.Name
}

// inHand returns the number of in-flight messages of all consumers.
func inHand(t *testing.T, conn *nats.Conn) (pending int) {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if stream, err := js.Stream(t.Context(), "BONGSU_JOBS"); err == nil {
		for consumer := range stream.ListConsumers(t.Context()).Info() {
			pending += consumer.NumAckPending
		}
	}
	return pending
}
