package queue_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/queue"
)

// openQueue starts a broker and returns its queue and a second connection.
func openQueue(t *testing.T, dir string) (*queue.Queue, *nats.Conn) {
	t.Helper()
	broker, err := queue.StartBroker(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	return queueOf(t, broker)
}

// queueOf returns a broker's queue and a second connection to the broker.
func queueOf(t *testing.T, broker *queue.Broker) (*queue.Queue, *nats.Conn) {
	t.Helper()
	conn, err := broker.Connect(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, AckWait: time.Minute, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	return q, conn
}

// lanes runs the lanes of slack until stop is called.
func lanes(t *testing.T, q *queue.Queue) (l *queue.Lanes, stop func()) {
	t.Helper()
	l = q.Lanes("slack", slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	return l, stop
}

func take(t *testing.T, l *queue.Lanes, most int) []job.QueueMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	taken, err := l.Take(ctx, most)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

func enqueue(t *testing.T, q *queue.Queue, jobs ...job.Job) {
	t.Helper()
	if err := q.Enqueue(t.Context(), jobs, 5); err != nil {
		t.Fatal(err)
	}
}

func sample(rank job.Rank, id int64) job.Job {
	return job.Job{AlertID: id, Messenger: "slack", Rank: rank, Content: job.Content{
		Text: "[x] y", Severity: "x", Title: "t", Link: "https://example.com/", Details: []job.Detail{{Name: "n", Value: "v"}}, Time: time.Unix(1_700_000_000, 0).UTC(),
		AlertKey: "k", Resolved: true,
	}, Deliveries: []job.Delivery{
		{ID: id + 1, Destination: "C1", SealedCredential: []byte{0, 1, 255}, Nickname: "kim"},
		{ID: id + 2, Destination: "C2"},
	}}
}

func TestEnqueueTake(t *testing.T) {
	q, _ := openQueue(t, t.TempDir())
	l, stop := lanes(t, q)
	defer stop()
	want := sample(job.High, 7)
	enqueue(t, q, want)
	taken := take(t, l, 10)
	if len(taken) != 1 || !reflect.DeepEqual(taken[0].Jobs[0], want) {
		t.Fatalf("took %+v", taken)
	}
	if err := taken[0].Ack(); err != nil {
		t.Error(err)
	}
}

// TestJobsShareAMessage takes small jobs in the order of enqueueing, in one message.
func TestJobsShareAMessage(t *testing.T) {
	q, _ := openQueue(t, t.TempDir())
	l, stop := lanes(t, q)
	defer stop()
	want := []job.Job{sample(job.High, 7), sample(job.High, 17)}
	enqueue(t, q, want...)
	taken := take(t, l, 1)
	if len(taken) != 1 || !reflect.DeepEqual(taken[0].Jobs, want) || taken[0].Deliveries() != 4 {
		t.Fatalf("took %+v", taken)
	}
	if err := taken[0].Nack(); err != nil {
		t.Fatal(err)
	}
	if again := take(t, l, 1); !reflect.DeepEqual(again[0].Jobs, want) {
		t.Errorf("took %+v", again)
	}
}

func TestNackRedelivers(t *testing.T) {
	q, _ := openQueue(t, t.TempDir())
	l, stop := lanes(t, q)
	defer stop()
	enqueue(t, q, sample(job.Normal, 7))
	if err := take(t, l, 1)[0].Nack(); err != nil {
		t.Fatal(err)
	}
	if again := take(t, l, 1); again[0].Jobs[0].AlertID != 7 {
		t.Errorf("took %+v", again)
	}
}

func TestUrgentFirst(t *testing.T) {
	q, _ := openQueue(t, t.TempDir())
	for i, rank := range []job.Rank{job.Low, job.Normal, job.High, job.Critical} {
		enqueue(t, q, sample(rank, int64(10*i)))
	}
	l, stop := lanes(t, q)
	defer stop()
	until(t, func() bool { return l.Held() == 4 })
	var got []job.Rank
	for len(got) < 4 {
		for _, taken := range take(t, l, 10) {
			got = append(got, taken.Jobs[0].Rank)
		}
	}
	if want := job.Ranks[:]; !reflect.DeepEqual(got, want) {
		t.Errorf("took ranks %v", got)
	}
}

func TestJobsSurviveTheBroker(t *testing.T) {
	dir := t.TempDir()
	func() {
		broker, err := queue.StartBroker(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer broker.Stop()
		conn, err := broker.Connect(slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		q, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, AckWait: time.Minute, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		defer q.Close()
		enqueue(t, q, sample(job.Low, 7))
	}()
	q, _ := openQueue(t, dir)
	l, stop := lanes(t, q)
	defer stop()
	if taken := take(t, l, 1); taken[0].Jobs[0].AlertID != 7 {
		t.Errorf("took %+v", taken)
	}
}

// TestStaleConsumers starts a broker on the folder that a power cut may leave: all files are
// empty except the consumers' positions. New jobs are taken, from the first one on.
func TestStaleConsumers(t *testing.T) {
	dir := t.TempDir()
	t.Run("before", func(t *testing.T) {
		q, _ := openQueue(t, dir)
		l, stop := lanes(t, q)
		defer stop()
		for id := range int64(20) {
			enqueue(t, q, sample(job.Normal, id))
			if err := take(t, l, 1)[0].Ack(); err != nil {
				t.Fatal(err)
			}
		}
	})
	emptied := 0
	if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && entry.Name() != "o.dat" {
			emptied++
			return os.Truncate(path, 0)
		}
		return err
	}); err != nil || emptied < 4 {
		t.Fatalf("%d files were emptied, %v", emptied, err)
	}
	q, _ := openQueue(t, dir)
	enqueue(t, q, sample(job.Normal, 21))
	l, stop := lanes(t, q)
	defer stop()
	enqueue(t, q, sample(job.Normal, 22))
	for _, want := range []int64{21, 22} {
		if got := take(t, l, 1)[0].Jobs[0].AlertID; got != want {
			t.Errorf("took %d, want %d", got, want)
		}
	}
}

func TestVanishedStreamIsMadeAgain(t *testing.T) {
	q, conn := openQueue(t, t.TempDir())
	l, stop := lanes(t, q)
	defer stop()
	before, err := q.Generation(t.Context())
	if err != nil || !before.Empty {
		t.Fatalf("it is %+v, %v", before, err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	deleted := time.Now()
	if err := js.DeleteStream(t.Context(), "BONGSU_JOBS"); err != nil {
		t.Fatal(err)
	}
	enqueue(t, q, sample(job.Critical, 7))
	made := time.Now()
	if taken := take(t, l, 1); taken[0].Jobs[0].AlertID != 7 {
		t.Errorf("took %+v", taken)
	}
	requested := time.Now()
	after, err := q.Generation(t.Context())
	if err != nil || after.Empty || after.Name == before.Name {
		t.Errorf("it is still %+v, %v", after, err)
	}
	if least, most := requested.Sub(made), time.Since(deleted); after.Age < least || after.Age > most {
		t.Errorf("it has lasted %s, want from %s to %s", after.Age, least, most)
	}
}

// TestFolderDeletedWhileItRuns deletes the broker's files: jobs that are enqueued later are
// taken.
func TestFolderDeletedWhileItRuns(t *testing.T) {
	dir := t.TempDir()
	q, _ := openQueue(t, dir)
	l, stop := lanes(t, q)
	defer stop()
	for id := range int64(20) {
		enqueue(t, q, sample(job.Normal, id))
		for {
			taken := take(t, l, 1)[0]
			if err := taken.Ack(); err != nil {
				t.Fatal(err)
			}
			if taken.Jobs[0].AlertID == id { // others may be redelivered
				break
			}
		}
		if id == 5 {
			for os.RemoveAll(dir) != nil { // the broker writes concurrently
			}
		}
	}
}

// TestOpenWithoutFolder opens a queue whose stream exists without its files.
func TestOpenWithoutFolder(t *testing.T) {
	dir := t.TempDir()
	q, conn := openQueue(t, dir)
	enqueue(t, q, sample(job.Normal, 7))
	for os.RemoveAll(dir) != nil { // the broker writes concurrently
	}
	again, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, AckWait: time.Minute, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l, stop := lanes(t, again)
	defer stop()
	enqueue(t, again, sample(job.Normal, 9))
	for take(t, l, 1)[0].Jobs[0].AlertID != 9 {
	}
}

func TestInvalidMessageIsTerminated(t *testing.T) {
	q, conn := openQueue(t, t.TempDir())
	l, stop := lanes(t, q)
	defer stop()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "send.slack.normal", []byte("\xff\xff hello")); err != nil {
		t.Fatal(err)
	}
	enqueue(t, q, sample(job.Normal, 7))
	if taken := take(t, l, 1); taken[0].Jobs[0].AlertID != 7 {
		t.Errorf("took %+v", taken)
	}
}

func TestTakeEndsWithItsContext(t *testing.T) {
	q, _ := openQueue(t, t.TempDir())
	l, stop := lanes(t, q)
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if taken, err := l.Take(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("took %v, %v", taken, err)
	}
}

func TestStopNacksAll(t *testing.T) {
	q, _ := openQueue(t, t.TempDir())
	const count = 100
	for i := range int64(count) {
		enqueue(t, q, sample(job.Normal, 10*i))
	}
	first, stop := lanes(t, q)
	take(t, first, 1) // the in-flight message is not nacked
	stop()
	second, stop := lanes(t, q)
	defer stop()
	// take waits for less than the broker's ack wait.
	for got := 0; got < count-1; {
		got += len(take(t, second, 10))
	}
}
