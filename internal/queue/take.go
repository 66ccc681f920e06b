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
	// ahead is how many messages of a rank are fetched before they are asked for. They
	// are a few kilobytes each. A pull that is bounded by bytes, too (nats.go 1.55 and server
	// 2.15), now and then waited until what it was sent was sent again.
	ahead = 128
	// reopenWait is the pause before a lane whose consumer broke is opened again.
	reopenWait = 250 * time.Millisecond
	// lowFirst: each so many takes look at the last rank first, so that a flood of
	// critical jobs does not hold up the rest for ever.
	lowFirst = 8
)

// Lanes are the jobs of one messenger, a lane for each rank. Run keeps them
// filled; Take takes from them.
type Lanes struct {
	queue     *Queue
	messenger string
	log       *slog.Logger
	lanes     [len(job.Ranks)]chan job.Taken
	takes     int // by one caller at a time
}

// Lanes gives the lanes of a messenger.
func (q *Queue) Lanes(messenger string, log *slog.Logger) *Lanes {
	l := &Lanes{queue: q, messenger: messenger, log: log}
	for i := range l.lanes {
		l.lanes[i] = make(chan job.Taken, ahead)
	}
	return l
}

// Run keeps the lanes filled until ctx ends, and then gives back what nobody
// took. A consumer that vanished is made again.
func (l *Lanes) Run(ctx context.Context) error {
	var g errgroup.Group
	for _, rank := range job.Ranks {
		g.Go(func() error {
			defer l.giveBack(rank)
			defer l.queue.lanes.works(l.lane(rank)) // it does not fail any more
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

// fill moves jobs from the broker to a lane until ctx ends or the broker fails.
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
	// When ctx ends, Next goes on with what was fetched already. That is given back
	// last: as long as the broker may send, it would send it here again.
	var fetched []jetstream.Msg
	defer func() {
		for _, message := range fetched {
			_ = message.Nak() // or the broker gives it to another when its hold is over
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
			l.log.Error("a queue message holds no jobs, dropping it", "subject", message.Subject(), "error", err)
			_ = message.Term() // the ledger still holds its deliveries
			continue
		}
		select {
		case l.lanes[rank] <- taken:
		case <-ctx.Done():
			fetched = append(fetched, message)
		}
	}
}

// Take waits for jobs and takes them with what else is there, until they carry enough
// deliveries, the most urgent rank first. It returns the error of ctx when that ends
// before there is a job. One caller at a time.
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

// A load is what was taken together.
type load struct {
	taken      []job.Taken
	deliveries int
}

// add adds what a lane holds until there are enough deliveries.
func (l *load) add(lane chan job.Taken, enough int) {
	for l.deliveries < enough {
		select {
		case t := <-lane:
			l.taken = append(l.taken, t)
			l.deliveries += max(1, t.Deliveries()) // so that one of none ends it, too
		default:
			return
		}
	}
}

// giveBack returns what a lane still holds.
func (l *Lanes) giveBack(rank job.Rank) {
	for {
		select {
		case t := <-l.lanes[rank]:
			_ = t.Return() // or the broker does when its hold is over
		default:
			return
		}
	}
}

// open reads a message as jobs in hand.
func open(message jetstream.Msg) (job.Taken, error) {
	jobs, err := decode(message.Data())
	if err != nil {
		return job.Taken{}, err
	}
	return job.Taken{Jobs: jobs, Done: message.Ack, Return: message.Nak}, nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
