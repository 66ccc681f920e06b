package stream_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

// TestRegisterBacklogs checks the gauges of two services of a process whose outboxes have the same
// table, and of a consumer: they are read at most once in ten seconds, and left out while they cannot
// be read.
func TestRegisterBacklogs(t *testing.T) {
	b, c := newBroker(t), newClock()
	open := func(name string) shop {
		return openShop(t, filepath.Join(t.TempDir(), name), b, stream.OutboxOptions{Now: c.Now})
	}
	orders, billing := open("orders.db"), open("billing.db")
	consumer, err := stream.NewConsumer(b.Stream, func(context.Context, stream.Delivery) error { return nil },
		stream.ConsumerOptions{Stream: "EVENTS", Name: "delivery", Log: slog.New(slog.DiscardHandler)})
	kittest.NoError(t, err)
	b.publish(t, event("a", "1"), event("b", "2"))

	m, err := telemetry.NewMetrics()
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, m.Close()) })
	kittest.NoError(t, stream.RegisterBacklogs(m.Provider(), "orders", orders.Outbox, consumer))
	kittest.NoError(t, stream.RegisterBacklogs(m.Provider(), "billing", billing.Outbox))
	values := regexp.MustCompile(`(?m)^bongsu_.+$`)
	scrape := func(want ...string) {
		t.Helper()
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		got := values.FindAllString(w.Body.String(), -1)
		slices.Sort(got)
		slices.Sort(want)
		kittest.Equal(t, got, want)
	}
	gauges := func(service, pending, age string) []string {
		labels := `{service="` + service + `",table="outbox"} `
		return []string{"bongsu_outbox_pending" + labels + pending, "bongsu_outbox_refused" + labels + "0", "bongsu_outbox_oldest_age_seconds" + labels + age}
	}
	const backlog = `bongsu_consumer_backlog{consumer="delivery",service="orders"} 2`
	scrape(slices.Concat(gauges("orders", "0", "0"), gauges("billing", "0", "0"), []string{backlog})...)

	orders.add(t, event("a", "1"), event("b", "2"))
	c.advance(9 * time.Second)
	scrape(slices.Concat(gauges("orders", "0", "0"), gauges("billing", "0", "0"), []string{backlog})...)
	c.advance(6 * time.Second)
	scrape(slices.Concat(gauges("orders", "2", "15"), gauges("billing", "0", "0"), []string{backlog})...)

	kittest.NoError(t, orders.database.Close())
	c.advance(10 * time.Second)
	scrape(slices.Concat(gauges("billing", "0", "0"), []string{backlog})...)
}
