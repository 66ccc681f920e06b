// Package queue carries jobs from the alert service to the senders, by JetStream. The
// queue is disposable: the ledger is the source of truth, and lost jobs are re-enqueued.
// Streams and consumers that vanish are recreated at run time.
//
// A process opens a Queue over a connection to an external NATS server (Dial) or to the
// embedded one (Broker). The alert service is its owner: it creates the stream and enqueues
// jobs. Senders take them from the Lanes of their messengers, of which each has a consumer
// in the stream. LimiterBucket stores the limiter state in the same broker.
package queue

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/kit/natsserver"
)

// A Broker is a NATS server embedded in this process. It opens no port.
type Broker struct{ server *natsserver.Server }

// StartBroker starts a broker that stores its streams in dir.
func StartBroker(dir string) (*Broker, error) {
	s, err := natsserver.Start(natsserver.Options{Dir: dir, Name: connName})
	if err != nil {
		return nil, err
	}
	return &Broker{s}, nil
}

// Run restarts the broker whenever it has disabled its streams, until ctx ends.
func (b *Broker) Run(ctx context.Context, log *slog.Logger) error { return b.server.Run(ctx, log) }

// Connect opens an in-process connection. It reconnects by itself after a restart of the
// broker.
func (b *Broker) Connect(log *slog.Logger) (*nats.Conn, error) { return b.server.Connect(log) }

// Open returns the queue of the broker, with this process as its owner. It does the same
// as the package's Open, and in addition Generation detects that the files of the broker
// were deleted.
func (b *Broker) Open(ctx context.Context, ackWait time.Duration, log *slog.Logger) (*Queue, error) {
	conn, err := b.Connect(log)
	if err != nil {
		return nil, err
	}
	q, err := Open(ctx, conn, Options{Owner: true, AckWait: ackWait, Log: log})
	if err != nil {
		conn.Close()
		return nil, err
	}
	q.files = func() bool { return b.server.HasStreamFiles(streamName) }
	return q, nil
}

// Stop stops the broker and returns once its files are closed. Run must have returned.
func (b *Broker) Stop() { b.server.Stop() }
