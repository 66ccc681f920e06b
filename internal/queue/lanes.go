package queue

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/job"
)

const (
	// prefetch is how many messages of a rank are prefetched. They are a few kilobytes each. A
	// pull with a limit in bytes as well (nats.go 1.55 and server 2.15) sometimes stalled
	// until the redelivery of its messages.
	prefetch = 128
	// laneRetryDelay is the delay before a lane whose consumer failed is opened again.
	laneRetryDelay = 250 * time.Millisecond
	// laneOpenTimeout bounds the opening of a lane. A cluster does not respond while it elects
	// a leader of the stream, and nobody responds later to a request of that time: the lane
	// must ask again soon.
	laneOpenTimeout = 2 * time.Second
	// lowRankEvery is the number of takes of which one serves the lowest rank first, so that a
	// flood of critical jobs does not starve it.
	lowRankEvery = 8
)

// Lanes are the lanes of one messenger, one per rank. Run fills them, and Take drains
// them.
type Lanes struct {
	queue     *Queue
	messenger string
	log       *slog.Logger
	lanes     [len(job.Ranks)]chan job.QueueMessage
	takes     int // calls of Take; one caller at a time
}

// Lanes returns the lanes of a messenger.
func (q *Queue) Lanes(messenger string, log *slog.Logger) *Lanes {
	l := &Lanes{queue: q, messenger: messenger, log: log}
	for i := range l.lanes {
		l.lanes[i] = make(chan job.QueueMessage, prefetch)
	}
	return l
}

// Run fills the lanes until ctx ends, and then nacks the messages that were not taken. A
// consumer that vanished is recreated.
func (l *Lanes) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, rank := range job.Ranks {
		g.Go(func() error {
			defer l.nackRest(rank)
			defer l.queue.outage.recover(l.laneID(rank)) // a stopped lane no longer fails
			for ctx.Err() == nil {
				if err := l.fill(ctx, rank); err != nil && ctx.Err() == nil {
					l.queue.outage.fail(l.laneID(rank), err)
					sleep(ctx, laneRetryDelay)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (l *Lanes) laneID(rank job.Rank) laneID { return laneID{l.messenger, rank.String()} }

// fill moves messages from the broker to a lane until ctx ends or the broker fails.
func (l *Lanes) fill(ctx context.Context, rank job.Rank) error {
	openCtx, cancel := context.WithTimeout(ctx, laneOpenTimeout)
	defer cancel()
	consumer, err := l.consumer(openCtx, rank)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(prefetch), jetstream.PullHeartbeat(2*time.Second), jetstream.PullExpiry(10*time.Second))
	if err != nil {
		return err
	}
	l.queue.outage.recover(l.laneID(rank))
	// After ctx ends, Next returns the messages that were already fetched. They are nacked
	// last: while the subscription is open the broker would redeliver them here.
	var fetched []jetstream.Msg
	defer func() {
		for _, message := range fetched {
			_ = message.Nak() // if it fails, the broker redelivers after the ack wait
		}
	}()
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Drain)()
	for {
		message, err := messages.Next()
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			fetched = append(fetched, message)
			continue
		}
		taken, err := decodeMessage(message)
		if err != nil {
			l.log.Error("invalid queue message dropped", "subject", message.Subject(), "error", err)
			_ = message.Term() // the dispatch loop re-enqueues its deliveries
			continue
		}
		select {
		case l.lanes[rank] <- taken:
		case <-ctx.Done():
			fetched = append(fetched, message)
		}
	}
}

// Take blocks until there is a job. It returns queue messages, the most urgent rank first,
// until they hold enough deliveries or the lanes are empty. It returns the error of ctx if
// that ends before there is a job. One caller at a time.
func (l *Lanes) Take(ctx context.Context, enough int) ([]job.QueueMessage, error) {
	l.takes++
	var batch takenBatch
	if l.takes%lowRankEvery == 0 {
		batch.drain(l.lanes[len(l.lanes)-1], 1)
	}
	for rank := range l.lanes {
		batch.drain(l.lanes[rank], enough)
	}
	if len(batch.taken) > 0 {
		return batch.taken, nil
	}
	select {
	case m := <-l.lanes[job.Critical]:
		return []job.QueueMessage{m}, nil
	case m := <-l.lanes[job.High]:
		return []job.QueueMessage{m}, nil
	case m := <-l.lanes[job.Normal]:
		return []job.QueueMessage{m}, nil
	case m := <-l.lanes[job.Low]:
		return []job.QueueMessage{m}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A takenBatch is a batch of messages that one Take returns.
type takenBatch struct {
	taken      []job.QueueMessage
	deliveries int
}

// drain moves messages from a lane to the batch until it has enough deliveries.
func (b *takenBatch) drain(lane chan job.QueueMessage, enough int) {
	for b.deliveries < enough {
		select {
		case m := <-lane:
			b.taken = append(b.taken, m)
			b.deliveries += max(1, m.Deliveries()) // a message without deliveries counts, so that the loop ends
		default:
			return
		}
	}
}

// nackRest nacks the messages that are left in a lane.
func (l *Lanes) nackRest(rank job.Rank) {
	for {
		select {
		case m := <-l.lanes[rank]:
			_ = m.Nack() // if it fails, the broker redelivers after the ack wait
		default:
			return
		}
	}
}

// decodeMessage decodes a broker message.
func decodeMessage(message jetstream.Msg) (job.QueueMessage, error) {
	jobs, err := decodeJobs(message.Data())
	if err != nil {
		return job.QueueMessage{}, err
	}
	return job.QueueMessage{Jobs: jobs, Ack: message.Ack, Nack: message.Nak}, nil
}

// sleep sleeps for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
