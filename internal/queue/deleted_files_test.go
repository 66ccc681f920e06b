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
	enqueue(t, q, sample(job.Normal, 7))
	until(t, func() bool { return inFlight(t, conn) == 1 }) // the consumers exist
	stop()
	before := generationOf(t, q)
	for os.RemoveAll(dir) != nil { // the broker writes concurrently
	}
	l, stop := lanes(t, q)
	defer stop()
	until(t, func() bool { return generationOf(t, q) != before })
	after := generationOf(t, q)
	enqueue(t, q, sample(job.Normal, 9))
	for take(t, l, 1)[0].Jobs[0].AlertID != 9 {
	}
	if generationOf(t, q) != after { // only the first of the four lanes replaced the stream
		t.Error("the stream was recreated more than once")
	}
}

// TestGenerationWithoutFolder deletes the files of the embedded broker while nothing is
// enqueued or taken: the generation changes at once.
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
	enqueue(t, q, sample(job.Normal, 7))
	take(t, l, 1)
	before := generationOf(t, q)
	if generationOf(t, q) != before {
		t.Error("another generation, though nothing happened")
	}
	for os.RemoveAll(dir) != nil { // the broker writes concurrently
	}
	after := generationOf(t, q)
	if after == before || generationOf(t, q) != after {
		t.Errorf("the generation was %s, and is %s, then %s", before, after, generationOf(t, q))
	}
	enqueue(t, q, sample(job.Normal, 9))
	for take(t, l, 1)[0].Jobs[0].AlertID != 9 {
	}
}

// generationOf returns the name of the queue's generation.
func generationOf(t *testing.T, q *queue.Queue) string {
	t.Helper()
	generation, err := q.Generation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return generation.Name
}

// inFlight returns the number of in-flight messages of all consumers.
func inFlight(t *testing.T, conn *nats.Conn) (pending int) {
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
