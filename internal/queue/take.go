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
	// ahead is how many messages of a rank are prefetched. They are a few kilobytes each. A
	// pull with a limit in bytes as well (nats.go 1.55 and server 2.15) sometimes stalled
	// until the redelivery of its messages.
	ahead = 128
	// reopenWait is the delay before a lane whose consumer failed is opened again.
	reopenWait = 250 * time.Millisecond
	// lowFirst: one in so many takes serves the lowest rank first, so that a flood of
	// critical jobs does not starve it.
	lowFirst = 8
)

// Lanes are the lanes of one messenger, one per rank. Run fills them, and Take drains
// them.
type Lanes struct {
	queue     *Queue
	messenger string
	log       *slog.Logger
	lanes     [len(job.Ranks)]chan job.Taken
	takes     int // one caller at a time
}

// Lanes returns the lanes of a messenger.
func (q *Queue) Lanes(messenger string, log *slog.Logger) *Lanes {
	l := &Lanes{queue: q, messenger: messenger, log: log}
	for i := range l.lanes {
		l.lanes[i] = make(chan job.Taken, ahead)
	}
	return l
}

// Run fills the lanes until ctx ends, and then nacks the messages that were not taken. A
// consumer that vanished is recreated.
func (l *Lanes) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, rank := range job.Ranks {
		g.Go(func() error {
			defer l.giveBack(rank)
			defer l.queue.lanes.works(l.lane(rank)) // a stopped lane no longer fails
			for ctx.Err() == nil {
				if err := l.fill(ctx, rank); err != nil && ctx.Err() == nil {
					l.queue.lanes.failed(l.lane(rank), err)
					pause(ctx, reopenWait)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

func (l *Lanes) lane(rank job.Rank) lane { return lane{l.messenger, rank.String()} }

// fill moves messages from the broker to a lane until ctx ends or the broker fails.
func (l *Lanes) fill(ctx context.Context, rank job.Rank) error {
	consumer, err := l.consumer(ctx, rank)
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(ahead), jetstream.PullHeartbeat(2*time.Second), jetstream.PullExpiry(10*time.Second))
	if err != nil {
		return err
	}
	l.queue.lanes.works(l.lane(rank))
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
		taken, err := open(message)
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
func (l *Lanes) Take(ctx context.Context, enough int) ([]job.Taken, error) {
	l.takes++
	var some load
	if l.takes%lowFirst == 0 {
		some.add(l.lanes[len(l.lanes)-1], 1)
	}
	for rank := range l.lanes {
		some.add(l.lanes[rank], enough)
	}
	if len(some.taken) > 0 {
		return some.taken, nil
	}
	select {
	case t := <-l.lanes[job.Critical]:
		return []job.Taken{t}, nil
	case t := <-l.lanes[job.High]:
		return []job.Taken{t}, nil
	case t := <-l.lanes[job.Normal]:
		return []job.Taken{t}, nil
	case t := <-l.lanes[job.Low]:
		return []job.Taken{t}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A load is a batch of messages that one Take returns.
type load struct {
	taken      []job.Taken
	deliveries int
}

// add moves messages from a lane to the load until it has enough deliveries.
func (l *load) add(lane chan job.Taken, enough int) {
	for l.deliveries < enough {
		select {
		case t := <-lane:
			l.taken = append(l.taken, t)
			l.deliveries += max(1, t.Deliveries()) // a message without deliveries counts, so that the loop ends
		default:
			return
		}
	}
}

// giveBack nacks the messages that are left in a lane.
func (l *Lanes) giveBack(rank job.Rank) {
	for {
		select {
		case t := <-l.lanes[rank]:
			_ = t.Return() // if it fails, the broker redelivers after the ack wait
		default:
			return
		}
	}
}

// open decodes a broker message.
func open(message jetstream.Msg) (job.Taken, error) {
	jobs, err := decode(message.Data())
	if err != nil {
		return job.Taken{}, err
	}
	return job.Taken{Jobs: jobs, Done: message.Ack, Return: message.Nak}, nil
}

// pause sleeps for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
