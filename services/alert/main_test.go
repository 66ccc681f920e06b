package alert_test

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
)

// waitTimeout is the timeout of every wait.
const waitTimeout = 30 * time.Second

func TestMain(m *testing.M) {
	countCommits()
	os.Exit(postgrestest.Run(m, testenv.Postgres))
}

// ledgerIn returns an empty ledger.
func ledgerIn(t testing.TB, store string) *ledger.Store {
	t.Helper()
	url := filepath.Join(t.TempDir(), "ledger.db")
	if store == "postgres" {
		url = postgrestest.URL(t)
	}
	l, err := ledger.Open(t.Context(), url, time.Now)
	must(t, err)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// queueIn returns the queue of a new embedded broker, and a connection to inspect it.
func queueIn(t testing.TB) (*queue.Queue, jetstream.JetStream) {
	t.Helper()
	broker, err := queue.StartBroker(t.TempDir())
	must(t, err)
	t.Cleanup(broker.Stop)
	conn, err := broker.Connect(slog.New(slog.DiscardHandler))
	must(t, err)
	q, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, AckWait: time.Minute, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(q.Close)
	js, err := jetstream.New(conn)
	must(t, err)
	return q, js
}

// brokerAt runs a broker that listens at addr until it is stopped.
func brokerAt(t testing.TB, dir string, addr *net.TCPAddr) (stop func()) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: addr.IP.String(), Port: addr.Port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	must(t, err)
	s.Start()
	if !s.ReadyForConnections(waitTimeout) {
		t.Fatal("the broker is not ready")
	}
	stop = func() {
		s.Shutdown()
		s.WaitForShutdown()
	}
	t.Cleanup(stop)
	return stop
}

// freeAddr returns an address that was free a moment ago, outside of the range from which
// the system assigns ports.
func freeAddr(t testing.TB) *net.TCPAddr {
	t.Helper()
	for range 1000 {
		addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 20000 + rand.IntN(12000)}
		if listener, err := net.ListenTCP("tcp", addr); err == nil {
			must(t, listener.Close())
			return addr
		}
	}
	t.Fatal("no address is free")
	return nil
}

// newDispatchLoop returns a dispatch loop with jobs of five deliveries.
func newDispatchLoop(d alert.Dispatcher, q alert.Queue) *alert.DispatchLoop {
	return alert.NewDispatchLoop(d, q, alert.NewVerdictRule(all.Specs()), 5, time.Now, slog.New(slog.DiscardHandler))
}

// run runs a dispatch loop until the test ends.
func run(t testing.TB, loop *alert.DispatchLoop) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- loop.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// queued returns n Queued deliveries by slack.
func queued(n int) []alert.Delivery {
	ds := make([]alert.Delivery, n)
	for i := range ds {
		ds[i] = alert.Delivery{
			Nickname: "user1", Messenger: "slack", SealedCredential: make([]byte, 60), Destination: "USER1_CHANNEL_ID", State: alert.Queued,
		}
	}
	return ds
}

// record records an alert with deliveries, which wait for the queue.
func record(t testing.TB, l *ledger.Store, ds []alert.Delivery) alert.Alert {
	t.Helper()
	return recordAt(t, l, ds, time.Now())
}

// recordAt is record at a given time. It sets ds to the recorded deliveries.
func recordAt(t testing.TB, l *ledger.Store, ds []alert.Delivery, at time.Time) alert.Alert {
	t.Helper()
	a := alert.Alert{Severity: "normal", Message: "node1 down", CreateTime: at, ExpireTime: at.Add(time.Hour)}
	added, err := l.AddAlert(t.Context(), a, ds, at.Add(10*time.Minute))
	must(t, err)
	copy(ds, added.Deliveries)
	return added.Alert
}

// consume returns the messages of the stream, of all messengers.
func consume(t testing.TB, js jetstream.JetStream) jetstream.MessagesContext {
	t.Helper()
	consumer, err := js.CreateConsumer(t.Context(), "BONGSU_JOBS", jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1})
	must(t, err)
	messages, err := consumer.Messages()
	must(t, err)
	t.Cleanup(messages.Stop)
	return messages
}

// next returns the deliveries of the next queue message, and when it was enqueued.
func next(t testing.TB, jobs jetstream.MessagesContext) (ds []*jobv1.JobDelivery, enqueued time.Time) {
	t.Helper()
	message, err := jobs.Next(jetstream.NextMaxWait(waitTimeout))
	must(t, err)
	meta, err := message.Metadata()
	must(t, err)
	bundle := new(jobv1.Bundle)
	must(t, proto.Unmarshal(message.Data(), bundle))
	for _, j := range bundle.GetJobs() {
		ds = append(ds, j.GetDeliveries()...)
	}
	return ds, meta.Timestamp
}

// signal sends the current time to a channel, without blocking.
func signal(c chan<- time.Time) {
	select {
	case c <- time.Now():
	default:
	}
}

// receive receives from a channel, and fails the test after waitTimeout.
func receive[T any](t testing.TB, c <-chan T) (value T) {
	t.Helper()
	select {
	case value = <-c:
	case <-time.After(waitTimeout):
		t.Fatal("timeout")
	}
	return value
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
