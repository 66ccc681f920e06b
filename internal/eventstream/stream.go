// Package eventstream stores events in a JetStream stream, and delivers them to the processes
// that handle them: each partition to one process at a time, in the order of the stream.
package eventstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// Name is the name of the stream.
	Name = "EVENTS"
	// subjectPrefix begins the subjects: events.<type>.
	subjectPrefix = "events."
	// Partitions is the number of partitions. Changing it moves events to other partitions,
	// for which the order is not kept while processes of both numbers run.
	Partitions = 4
	// duplicateWindow is how long the broker remembers the ids of events.
	duplicateWindow = 24 * time.Hour
	// publishTimeout bounds the wait for the broker's acknowledgements of a publish.
	publishTimeout = 5 * time.Second
	// requestTimeout bounds a request to the broker.
	requestTimeout = 5 * time.Second
	// replicasNotSupported is the broker's error code for replicas outside of a cluster:
	// JSStreamReplicasNotSupportedErr.
	replicasNotSupported jetstream.ErrorCode = 10074
)

// A Stream stores events and delivers them. It is safe for concurrent use.
type Stream struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	options Options

	mu    sync.Mutex // held while the stream is created
	ready bool       // the stream was found or created; under mu
}

// Options are the options of a stream.
type Options struct {
	// Instance names this process among those that handle events. Two processes must not
	// have one name at the same time; a process that restarts under its name continues at
	// once, others after Lease.
	Instance string
	// Replicas is the least number of replicas. An existing stream with fewer gets more, and
	// never fewer. 0 keeps those of an existing one, and means 1 for a new one.
	Replicas int
	// MaxAge is the time for which events are kept, at least a day.
	MaxAge time.Duration
	// Lease is the time after which the partitions of a process that died are taken over.
	// 0 means 8 s. At least a second.
	Lease time.Duration
	// AckWait is the time after which the broker redelivers an event that is neither acked
	// nor in progress. 0 means 30 s.
	AckWait time.Duration
	Log     *slog.Logger // must be set
}

// Open returns the stream of the broker behind conn, which the caller closes. It succeeds
// while the broker is unreachable, except for options that the broker does not support.
func Open(ctx context.Context, conn *nats.Conn, options Options) (*Stream, error) {
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(4096), jetstream.WithPublishAsyncTimeout(publishTimeout))
	if err != nil {
		return nil, fmt.Errorf("open the event stream: %w", err)
	}
	if options.Lease == 0 {
		options.Lease = 8 * time.Second
	}
	if options.AckWait == 0 {
		options.AckWait = 30 * time.Second
	}
	s := &Stream{conn: conn, js: js, options: options}
	if !conn.IsConnected() {
		return s, nil
	}
	err = s.Ready(ctx)
	if refused, ok := errors.AsType[*jetstream.APIError](err); ok && refused.ErrorCode == replicasNotSupported {
		return nil, fmt.Errorf("--replicas is %d, but the NATS server at --nats-url is not in a cluster: omit the flag, or use a cluster", options.Replicas)
	}
	if err != nil {
		options.Log.Warn("event stream cannot be created yet, retrying", "error", err)
	}
	return s, nil
}

// Ready creates the stream if it is missing, and returns nil if events can be stored.
func (s *Stream) Ready(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready {
		if !s.conn.IsConnected() {
			return fault.Unavailablef("event stream unavailable: not connected to NATS")
		}
		return nil
	}
	if err := s.ensure(ctx); err != nil {
		return fault.Unavailablef("create event stream: %w", err)
	}
	s.ready = true
	return nil
}

// missing makes the next Ready look for the stream, and create it if it is gone.
func (s *Stream) missing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = false
}

// ensure creates the stream, or raises the replicas of an existing one. Other settings of an
// existing stream stay as an operator has set them. mu must be held.
func (s *Stream) ensure(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	existing, err := s.js.Stream(ctx, Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		existing, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
			Name:        Name,
			Description: "Events of other systems, for the event service of Bongsu.",
			Subjects:    []string{subjectPrefix + ">"},
			Retention:   jetstream.LimitsPolicy,
			Storage:     jetstream.FileStorage,
			Replicas:    max(s.options.Replicas, 1),
			MaxAge:      s.options.MaxAge,
			Duplicates:  duplicateWindow,
		})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process has created it
			existing, err = s.js.Stream(ctx, Name)
		}
	}
	if err != nil {
		return err
	}
	config := existing.CachedInfo().Config
	if s.options.Replicas <= config.Replicas {
		return nil
	}
	s.options.Log.Warn("raising the replicas of the event stream", "stream", Name, "replicas", config.Replicas, "wanted", s.options.Replicas)
	config.Replicas = s.options.Replicas
	_, err = s.js.UpdateStream(ctx, config)
	return err
}

// Lag returns the number of events of each partition that are not handled. Until a partition
// skips the events of others, they count too.
func (s *Stream) Lag(ctx context.Context) ([Partitions]int64, error) {
	var lag [Partitions]int64
	for p := range lag {
		c, err := s.js.Consumer(ctx, Name, consumerName(p))
		if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
			continue // no process has handled events yet
		}
		if err != nil {
			return lag, fault.Unavailablef("get event consumer: %w", err)
		}
		info := c.CachedInfo()
		lag[p] = int64(info.NumPending) + int64(info.NumAckPending)
	}
	return lag, nil
}
