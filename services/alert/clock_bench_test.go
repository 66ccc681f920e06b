package alert_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/internal/store/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// BenchmarkLateness lets 10,000 deliveries wait for their time, at one instant or
// evenly over some seconds, and says how much later than that their jobs stood in the
// stream.
func BenchmarkLateness(b *testing.B) {
	for _, store := range []string{"sqlite", "postgres"} {
		for _, spread := range []time.Duration{0, 5 * time.Second} {
			b.Run(fmt.Sprintf("%s/over %s", store, spread), func(b *testing.B) {
				for b.Loop() {
					late := lateness(b, ledgerIn(b, store), 10_000, spread)
					b.ReportMetric(late[len(late)/2].Seconds()*1000, "median-ms")
					b.ReportMetric(late[len(late)*99/100].Seconds()*1000, "p99-ms")
					b.ReportMetric(late[len(late)-1].Seconds()*1000, "max-ms")
				}
			})
		}
	}
}

// lateness runs a clock over a ledger and an embedded broker, and gives how late each
// of count deliveries was in the stream, in order.
func lateness(t testing.TB, l *ledger.Store, count int, spread time.Duration) []time.Duration {
	t.Helper()
	q, js := queueIn(t)
	const alerts = 100
	var deferrals []alert.Deferral
	for range alerts {
		ds := queued(count / alerts)
		a := alert.Alert{Severity: "normal", Message: "node1 down", CreateTime: time.Now(), ExpireTime: time.Now().Add(time.Hour)}
		if _, err := l.AddAlert(t.Context(), &a, ds, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			deferrals = append(deferrals, alert.Deferral{DeliveryID: d.ID})
		}
	}
	start := time.Now().Add(3 * time.Second).Truncate(time.Microsecond)
	due := make(map[int64]time.Time, count)
	for i := range deferrals {
		at := start.Add(spread * time.Duration(i) / time.Duration(count)).Truncate(time.Microsecond)
		deferrals[i].Time, due[deferrals[i].DeliveryID] = at, at
	}
	if err := l.Defer(t.Context(), deferrals, time.Now()); err != nil {
		t.Fatal(err)
	}
	if time.Now().After(start) {
		t.Fatal("the ledger was not filled in time")
	}
	run(t, alert.NewClock(l, q, alert.NewRule(messenger.Specs()), 5, time.Now, slog.New(slog.DiscardHandler)))
	return arrivals(t, js, due)
}

// arrivals reads the stream until each delivery is in it, and gives how late that was.
func arrivals(t testing.TB, js jetstream.JetStream, due map[int64]time.Time) []time.Duration {
	t.Helper()
	consumer, err := js.CreateConsumer(t.Context(), "BONGSU_JOBS", jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := consumer.Messages(jetstream.PullHeartbeat(10 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	var late []time.Duration
	for len(late) < len(due) {
		message, err := messages.Next()
		if err != nil {
			t.Fatalf("%d of %d are in the stream: %v", len(late), len(due), err)
		}
		meta, err := message.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		var j jobv1.Job
		if err := proto.Unmarshal(message.Data(), &j); err != nil {
			t.Fatal(err)
		}
		for _, d := range j.GetDeliveries() {
			late = append(late, meta.Timestamp.Sub(due[d.GetId()]))
		}
	}
	slices.Sort(late)
	return late
}

// ledgerIn gives an empty ledger.
func ledgerIn(t testing.TB, store string) *ledger.Store {
	t.Helper()
	url := filepath.Join(t.TempDir(), "ledger.db")
	if store == "postgres" {
		url = postgrestest.URL(t)
	}
	l, err := ledger.Open(t.Context(), url, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// queueIn gives the queue of a broker of its own, and a connection to look behind it.
func queueIn(t testing.TB) (*queue.Queue, jetstream.JetStream) {
	t.Helper()
	broker, err := queue.StartBroker(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	conn, err := broker.Connect()
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.Open(t.Context(), conn, 1, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return q, js
}

// run runs a clock until the test ends.
func run(t testing.TB, c *alert.Clock) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// queued are n deliveries by slack.
func queued(n int) []alert.Delivery {
	ds := make([]alert.Delivery, n)
	for i := range ds {
		ds[i] = alert.Delivery{
			Nickname: "user1", Messenger: "slack", SealedCredential: make([]byte, 60), Destination: "USER1_CHANNEL_ID", State: alert.Queued,
		}
	}
	return ds
}
