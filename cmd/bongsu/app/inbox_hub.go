package app

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// inboxSubject is the subject below which the processes of the inbox service notify each other of
// new items, one for each user.
const inboxSubject = "inbox"

// openInboxHub opens the hub of the readers of inboxes. It notifies other processes until the
// senders of this one have ended; its readers end before, when the ports stop.
func (b *builder) openInboxHub(items inbox.ItemReader) (*inbox.Hub, error) {
	conn, err := b.openNATS()
	if err != nil {
		return nil, err
	}
	var bus inbox.Bus
	if conn != nil {
		bus = queue.NewTopics(conn, inboxSubject, b.log)
	}
	hub := inbox.NewHub(items, bus, b.stopping.Done(), b.log)
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], hub.Run)
	return hub, b.metrics.observeInboxReaders(hub.Counts)
}

// observeInboxReaders registers the metrics of the readers of inboxes.
func (m *metrics) observeInboxReaders(counts func() (readers, dropped int64)) error {
	meter := m.meter()
	connected, err := meter.Int64ObservableGauge("bongsu.inbox.readers",
		metric.WithDescription("Streams of inboxes that are open in this process."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	slow, err := meter.Int64ObservableCounter("bongsu.inbox.readers.dropped",
		metric.WithDescription("Streams of inboxes that were ended because their readers were too slow."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	if _, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		readers, dropped := counts()
		o.ObserveInt64(connected, readers)
		o.ObserveInt64(slow, dropped)
		return nil
	}, connected, slow); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}
