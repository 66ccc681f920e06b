package stream_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// patience is the timeout of a wait.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	if url := os.Getenv("STREAM_TEST_SHOP"); url != "" {
		os.Exit(runShop(url, os.Getenv("STREAM_TEST_NATS")))
	}
	if url := os.Getenv("STREAM_TEST_COURIER"); url != "" {
		os.Exit(runCourier(url, os.Getenv("STREAM_TEST_NATS")))
	}
	postgrestest.Main(m, "KIT_TEST_POSTGRES")
}

// each runs a test in both dialects, with the URL of an empty database.
func each(t *testing.T, test func(t *testing.T, url string)) {
	t.Run("sqlite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "shop.db")) })
	t.Run("postgres", func(t *testing.T) { test(t, postgrestest.URL(t)) })
}

// shopSchema is the schema of a service that has an outbox.
var shopSchema = database.Schema{Name: "shop", Migrations: fstest.MapFS{
	"migrations/sqlite/0001_orders.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE orders (name TEXT PRIMARY KEY);\n")},
	"migrations/postgres/0001_orders.sql": {Data: []byte("-- +goose Up\nCREATE TABLE orders (name TEXT PRIMARY KEY);\n")},
}}

// A shop is a process of a service with an outbox.
type shop struct {
	*stream.Outbox
	database *database.Database
}

func openShop(t *testing.T, url string, publisher stream.Publisher, options stream.OutboxOptions) shop {
	t.Helper()
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	d, err := database.Open(t.Context(), url, shopSchema)
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, d.Close()) })
	outbox, err := stream.NewOutbox(d.Writer(), d.Dialect(), publisher, options)
	kittest.NoError(t, err)
	kittest.NoError(t, outbox.Migrate(t.Context()))
	return shop{outbox, d}
}

// add commits events.
func (s shop) add(t *testing.T, events ...stream.Event) {
	t.Helper()
	kittest.NoError(t, s.database.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return s.Add(ctx, tx, events...)
	}))
	s.Wake()
}

// run runs the outbox. The returned function stops it and waits for its end.
func (s shop) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		kittest.NoError(t, <-ended)
	})
	t.Cleanup(stop)
	return stop
}

// backlog fails the test unless the outbox holds these numbers of events.
func (s shop) backlog(t *testing.T, pending, refused int) {
	t.Helper()
	b, err := s.Backlog(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, []int{b.Pending, b.Refused}, []int{pending, refused})
	kittest.Equal(t, b.Oldest.IsZero(), pending == 0)
}

// A broker is a NATS server with a stream for events.
type broker struct {
	stream.JetStream
	url      string
	consumer jetstream.Consumer
}

func newBroker(t *testing.T) *broker {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true,
		StoreDir: t.TempDir(), NoSigs: true, NoLog: true, MaxPayload: 64 << 10})
	kittest.NoError(t, err)
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("the NATS server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	conn, err := nats.Connect(s.ClientURL())
	kittest.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	kittest.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"events.>"}})
	kittest.NoError(t, err)
	consumer, err := js.OrderedConsumer(t.Context(), "EVENTS", jetstream.OrderedConsumerConfig{})
	kittest.NoError(t, err)
	return &broker{JetStream: stream.JetStream{Stream: js, Prefix: "events."}, url: s.ClientURL(), consumer: consumer}
}

// A cloudEvent is what the tests compare of an event in the stream.
type cloudEvent struct {
	ID, Source, Type, Subject string
	Data                      json.RawMessage
}

// Publish publishes also while the outbox is stopped, so that a stop never leaves an event that
// is in the stream already.
func (b *broker) Publish(ctx context.Context, events []stream.Event) ([]error, error) {
	return b.JetStream.Publish(context.WithoutCancel(ctx), events)
}

// next returns the next events of the stream.
func (b *broker) next(t *testing.T, n int) (events []cloudEvent) {
	t.Helper()
	for len(events) < n {
		message, err := b.consumer.Next(jetstream.FetchMaxWait(patience))
		if err != nil {
			t.Fatalf("after %d of %d events: %v", len(events), n, err)
		}
		var event cloudEvent
		kittest.NoError(t, json.Unmarshal(message.Data(), &event))
		events = append(events, event)
	}
	return events
}

// ids returns the ids of the next events of the stream.
func (b *broker) ids(t *testing.T, n int) (ids []string) {
	t.Helper()
	for _, event := range b.next(t, n) {
		ids = append(ids, event.ID)
	}
	return ids
}

// noMore fails the test unless the stream has n events in all.
func (b *broker) noMore(t *testing.T, n uint64) {
	t.Helper()
	s, err := b.Stream.Stream(t.Context(), "EVENTS")
	kittest.NoError(t, err)
	info, err := s.Info(t.Context())
	kittest.NoError(t, err)
	kittest.Equal(t, info.State.Msgs, n)
}

// A publisherFunc is the way to a broker, with faults.
type publisherFunc func(context.Context, []stream.Event) ([]error, error)

func (f publisherFunc) Publish(ctx context.Context, events []stream.Event) ([]error, error) {
	return f(ctx, events)
}

// A clock stands still until it is advanced.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var errDown = errors.New("the broker is down")

// event returns an event of an order.
func event(id, order string) stream.Event {
	return stream.Event{ID: id, Source: "shop/orders", Type: "order.changed", Subject: order, Data: []byte(`{"total":12.50}`)}
}

// inTx commits a transaction of database/sql unless f fails.
func inTx(t *testing.T, db *sql.DB, f func(*sql.Tx) error) error {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	kittest.NoError(t, err)
	if err := f(tx); err != nil {
		kittest.NoError(t, tx.Rollback())
		return err
	}
	return tx.Commit()
}
