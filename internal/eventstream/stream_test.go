package eventstream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/internal/eventstream"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// lease is the lease of these tests.
const lease = time.Second

// A process is a connection of its own with a stream, as a process has them.
type process struct {
	*eventstream.Stream

	conn *nats.Conn
}

func startBroker(t *testing.T) *queue.Broker {
	t.Helper()
	broker, err := queue.StartBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	return broker
}

func connect(t *testing.T, broker *queue.Broker) *nats.Conn {
	t.Helper()
	conn, err := broker.Connect(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func logger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func open(t *testing.T, broker *queue.Broker, instance string, options eventstream.Options) process {
	t.Helper()
	conn := connect(t, broker)
	options.Instance, options.Lease, options.Log = instance, lease, logger(t)
	if options.MaxAge == 0 {
		options.MaxAge = 48 * time.Hour
	}
	s, err := eventstream.Open(t.Context(), conn, options)
	if err != nil {
		t.Fatal(err)
	}
	return process{s, conn}
}

func entry(id string, order uint64) eventstream.Entry {
	return eventstream.Entry{ID: id, Type: "order.created", Order: order, ContentType: "application/json", Data: []byte(id)}
}

func publish(t *testing.T, s process, entries ...eventstream.Entry) []bool {
	t.Helper()
	duplicates, err := s.Publish(t.Context(), entries)
	if err != nil {
		t.Fatal(err)
	}
	return duplicates
}

// run runs s until the test ends or stop is called, which waits for the end.
func run(t *testing.T, s process, handle eventstream.Handle) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, handle) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// A delivery is a message that a process received.
type delivery struct {
	process     string
	data        string
	redelivered bool
	message     *eventstream.Message
}

// deliver returns a handle that sends the messages of its own partitions to a channel. It acks
// those for which ack returns true, and those of other partitions.
func deliver(name string, to chan<- delivery, ack func(data string) bool) eventstream.Handle {
	return func(ctx context.Context, p *eventstream.Partition) error {
		for {
			m, err := p.Next(ctx)
			if err != nil {
				return err
			}
			order, ok := m.Order()
			if !ok || !p.Owns(order) {
				if err := m.Ack(); err != nil {
					return err
				}
				continue
			}
			if ack(string(m.Data())) {
				if err := m.Ack(); err != nil {
					return err
				}
			}
			select {
			case to <- delivery{name, string(m.Data()), m.Redelivered, m}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

func receive(t *testing.T, from <-chan delivery) delivery {
	t.Helper()
	select {
	case d := <-from:
		return d
	case <-time.After(20 * time.Second):
		t.Fatal("no message within 20 s")
		return delivery{}
	}
}

func always(string) bool { return true }

func TestPublish(t *testing.T) {
	s := open(t, startBroker(t), "a", eventstream.Options{})
	if got := publish(t, s, entry("1", 0), entry("2", 0), entry("1", 0)); !slices.Equal(got, []bool{false, false, true}) {
		t.Errorf("duplicates %v", got)
	}
	if got := publish(t, s, entry("2", 0), entry("3", 1)); !slices.Equal(got, []bool{true, false}) {
		t.Errorf("duplicates %v", got)
	}
	got := make(chan delivery, 10)
	run(t, s, deliver("a", got, always))
	seen := []string{receive(t, got).data, receive(t, got).data, receive(t, got).data}
	slices.Sort(seen)
	if !slices.Equal(seen, []string{"1", "2", "3"}) {
		t.Errorf("delivered %v", seen)
	}
}

// TestPublishUnavailable publishes without a connection: the client must not buffer events that
// the caller is told to publish again.
func TestPublishUnavailable(t *testing.T) {
	s := open(t, startBroker(t), "a", eventstream.Options{})
	s.conn.Close()
	if _, err := s.Publish(t.Context(), []eventstream.Entry{entry("1", 0)}); !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "publish them again") {
		t.Error(err)
	}
	if err := s.Ready(t.Context()); !errors.Is(err, fault.ErrUnavailable) {
		t.Error(err)
	}
}

func TestReplicasNeedACluster(t *testing.T) {
	_, err := eventstream.Open(t.Context(), connect(t, startBroker(t)), eventstream.Options{Instance: "a", Replicas: 3, MaxAge: 48 * time.Hour, Log: logger(t)})
	if err == nil || !strings.Contains(err.Error(), "--replicas is 3") {
		t.Error(err)
	}
}

// TestTakeover kills a process that holds messages it has not acked, with one in their midst
// that it has. The next process gets all of them from the first that is not acked, in the order
// of the stream, before newer ones.
func TestTakeover(t *testing.T) {
	broker := startBroker(t)
	a, b := open(t, broker, "a", eventstream.Options{}), open(t, broker, "b", eventstream.Options{})
	for i := range 6 {
		publish(t, a, entry(fmt.Sprint(i), 0))
	}
	first := make(chan delivery, 100)
	run(t, a, deliver("a", first, func(data string) bool { return data == "0" || data == "3" }))
	for i := range 6 {
		if got := receive(t, first); got.data != fmt.Sprint(i) {
			t.Fatalf("delivered %s, want %d", got.data, i)
		}
	}
	if err := a.conn.FlushTimeout(10 * time.Second); err != nil { // the acks
		t.Fatal(err)
	}
	second := make(chan delivery, 100)
	run(t, b, deliver("b", second, always))
	publish(t, b, entry("6", 0)) // goes to a, or to b after all others
	a.conn.Close()               // dies: it releases nothing
	publish(t, b, entry("7", 0))
	for _, want := range []string{"1", "2", "3", "4", "5", "6", "7"} {
		if got := receive(t, second); got.data != want {
			t.Fatalf("the other process got %s, want %s", got.data, want)
		}
	}
}

// TestRestart restarts a process under its name after it died: it continues at once.
func TestRestart(t *testing.T) {
	broker := startBroker(t)
	a := open(t, broker, "a", eventstream.Options{})
	publish(t, a, entry("0", 0))
	got := make(chan delivery, 100)
	run(t, a, deliver("first", got, func(string) bool { return false }))
	receive(t, got)
	a.conn.Close()
	again := open(t, broker, "a", eventstream.Options{})
	run(t, again, deliver("second", got, always))
	for {
		if d := receive(t, got); d.process == "second" && d.data == "0" && !d.redelivered {
			return
		}
	}
}

// TestShare proves that processes share the partitions, and that one that stops gives its own
// to the others.
func TestShare(t *testing.T) {
	broker := startBroker(t)
	a, b := open(t, broker, "a", eventstream.Options{}), open(t, broker, "b", eventstream.Options{})
	var mu sync.Mutex
	holders := map[int]string{}
	changed := make(chan struct{}, 100)
	hold := func(name string) eventstream.Handle {
		return func(ctx context.Context, p *eventstream.Partition) error {
			set := func(to string) {
				mu.Lock()
				defer mu.Unlock()
				if holders[p.Number()] != "" && to != "" {
					t.Errorf("partition %d is handled by %s and %s", p.Number(), holders[p.Number()], to)
				}
				holders[p.Number()] = to
				changed <- struct{}{}
			}
			set(name)
			<-ctx.Done()
			set("")
			return ctx.Err()
		}
	}
	wait := func(want map[string]int) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for {
			mu.Lock()
			got := map[string]int{}
			for _, name := range holders {
				if name != "" {
					got[name]++
				}
			}
			mu.Unlock()
			if fmt.Sprint(got) == fmt.Sprint(want) {
				return
			}
			select {
			case <-changed:
			case <-deadline:
				t.Fatalf("partitions %v, want %v", got, want)
			}
		}
	}
	stop := run(t, a, hold("a"))
	wait(map[string]int{"a": 4})
	run(t, b, hold("b"))
	wait(map[string]int{"a": 2, "b": 2})
	stop()
	wait(map[string]int{"b": 4})
}

// TestRedelivery proves that a message that is in progress for too long is delivered again as
// such, and one whose AckWait is extended is not.
func TestRedelivery(t *testing.T) {
	s := open(t, startBroker(t), "a", eventstream.Options{AckWait: time.Second})
	publish(t, s, entry("0", 0))
	got := make(chan delivery, 100)
	run(t, s, deliver("a", got, func(string) bool { return false }))
	if d := receive(t, got); d.redelivered {
		t.Fatal("the first delivery is a redelivery")
	}
	d := receive(t, got)
	if !d.redelivered || d.data != "0" {
		t.Fatalf("%+v", d)
	}
	if err := d.message.Ack(); err != nil {
		t.Fatal(err)
	}
	publish(t, s, entry("1", 0))
	for d = receive(t, got); d.data != "1"; d = receive(t, got) { // delivered before its ack
	}
}

// TestLag proves that events count until they are acked.
func TestLag(t *testing.T) {
	s := open(t, startBroker(t), "a", eventstream.Options{})
	if lag, err := s.Lag(t.Context()); err != nil || lag != [eventstream.Partitions]int64{} {
		t.Fatalf("%v, %v", lag, err)
	}
	got := make(chan delivery, 100)
	stop := run(t, s, deliver("a", got, func(string) bool { return false }))
	publish(t, s, entry("0", 0), entry("1", 1))
	receive(t, got)
	receive(t, got)
	lag, err := s.Lag(t.Context())
	if err != nil || lag[0] < 1 || lag[1] < 1 {
		t.Errorf("%v, %v", lag, err)
	}
	stop()
	run(t, s, deliver("a", got, always))
	receive(t, got)
	receive(t, got)
	deadline := time.Now().Add(10 * time.Second)
	for lag != [eventstream.Partitions]int64{} && time.Now().Before(deadline) {
		if lag, err = s.Lag(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if lag != [eventstream.Partitions]int64{} {
		t.Errorf("lag %v after all are acked", lag)
	}
}

// TestStolenMessages lets another client take messages of a partition, as the requests of a
// process do that was suspended while it lost its lease. The process notices the gap, and
// handles all messages in the order of the stream.
func TestStolenMessages(t *testing.T) {
	broker := startBroker(t)
	s := open(t, broker, "a", eventstream.Options{})
	publish(t, s, entry("first", 0))
	got := make(chan delivery, 100)
	run(t, s, deliver("a", got, always))
	receive(t, got)

	js, err := jetstream.New(connect(t, broker))
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.Consumer(t.Context(), eventstream.Name, "events-0")
	if err != nil {
		t.Fatal(err)
	}
	stolen, err := consumer.Fetch(3, jetstream.FetchMaxWait(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		publish(t, s, entry(fmt.Sprint(i), 0))
	}
	thefts := 0
	for range stolen.Messages() {
		thefts++
	}
	if thefts == 0 {
		t.Fatal("the other client got no message")
	}
	for next := 0; next < 10; {
		n, err := strconv.Atoi(receive(t, got).data)
		switch {
		case err != nil || n < next: // again, after the gap
		case n > next:
			t.Fatalf("message %d was delivered before %d", n, next)
		default:
			next++
		}
	}
}
