// Package alert is the service that tells people what broke: it resolves
// targets, records the alert and its deliveries, hands them to the queue, and
// records what came of each.
package alert

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// An Alert is what happened, said once.
type Alert struct {
	ID         int64
	Targets    []string // as the caller gave them
	Unknown    []string // those of Targets that nobody bore
	Severity   string
	Message    string
	CreateTime time.Time
	Counts     Counts // how its deliveries stand; not looked at by AddAlert
}

// Text is what goes out: "[severity] message".
func (a Alert) Text() string { return "[" + a.Severity + "] " + a.Message }

// Rank orders the work.
func (a Alert) Rank() job.Rank { return job.RankOf(a.Severity) }

// State is where a delivery is on its way.
type State int

// The states of a delivery. Those from Sent on are its end.
const (
	Queued   State = iota + 1 // it waits to be sent
	Claimed                   // a sender holds it under a lease
	Sent                      // the provider took it
	Failed                    // it was not taken
	Expired                   // its time to live ran out
	Canceled                  // it was canceled before it was sent
)

// Counts says how many deliveries are in each state, by State.
type Counts [Canceled + 1]int

// Total is the number of all deliveries.
func (c Counts) Total() int {
	total := 0
	for _, n := range c {
		total += n
	}
	return total
}

// A Delivery is one alert to one address.
type Delivery struct {
	ID               int64
	Nickname         string
	Messenger        string
	SealedCredential []byte
	Destination      string
	State            State
	Reason           string    // why it ended; empty where it was Sent or has not ended
	EndTime          time.Time // zero until it ended
	Attempts         []Attempt // in order
}

// An Attempt is one call to a provider. It is recorded when it is reported, or
// as Unknown when its lease ran out without a report.
type Attempt struct {
	Number            int // from 1
	Fence             int64
	StartTime         time.Time
	EndTime           time.Time
	Outcome           messenger.Outcome // After is not kept
	PossibleDuplicate bool              // an attempt before may have reached the provider too
}

// A Claim is the right to send one delivery, once, until its lease ends.
type Claim struct {
	DeliveryID        int64
	Fence             int64
	Attempt           int
	PossibleDuplicate bool
	LeaseExpireTime   time.Time
}

// A Report is what came of a claim, and where its delivery goes from there.
type Report struct {
	DeliveryID int64
	Fence      int64
	StartTime  time.Time
	EndTime    time.Time
	Outcome    messenger.Outcome
	State      State  // Sent or Failed
	Reason     string // set where State is Failed
}

// A Query asks for alerts. All of its conditions that are set must hold.
type Query struct {
	Before       int64  // only ids below it; 0 asks from the newest
	Limit        int    // at least 1
	Severity     string // to the letter
	State        State  // with a delivery in this state
	Nickname     string // with a delivery to this user
	From         time.Time
	CreateBefore time.Time
}

// A Ledger keeps alerts, deliveries and attempts, and is the truth about them.
// Every method is one transaction. A method that changes something returns only
// after that is on disk.
//
// A Ledger is safe for concurrent use, by several processes too where its
// database is a server.
type Ledger interface {
	Book
	Dispatcher
}

// A Book is the record of what was said.
type Book interface {
	// AddAlert records a with its deliveries, all or nothing, and gives them ids:
	// a.ID, and ds[i].ID in order. Ids are greater than 0 and never used again, not
	// even by a ledger that was emptied. Deliveries that are Queued wait for the
	// queue until retry, when Due finds them; others have ended. Concurrent calls
	// share commits; one that fails must not fail the others. Where ctx ends or the
	// error is fault.ErrUnavailable, all may be recorded nevertheless, or nothing.
	AddAlert(ctx context.Context, a *Alert, ds []Delivery, retry time.Time) error
	// Alert answers with an alert and its deliveries by id, with their attempts. It
	// must return fault.ErrNotFound where no alert has the id.
	Alert(ctx context.Context, id int64) (Alert, []Delivery, error)
	// Alerts answers with alerts, the newest first.
	Alerts(ctx context.Context, q Query) ([]Alert, error)
}

// A Dispatcher hands out deliveries and takes reports of them.
type Dispatcher interface {
	// Claim takes those of ids that are Queued, or Claimed under a lease that ended
	// at or before now, and holds them until lease. It gives each a greater fence.
	// Where a lease ended without a report, it records that attempt as Unknown, and
	// the claim is a PossibleDuplicate, as are all later ones of the delivery. What
	// it does not take is left out of the answer. lease must be after now.
	Claim(ctx context.Context, ids []int64, sender string, now, lease time.Time) ([]Claim, error)
	// Report records the attempts and moves their deliveries on. A report whose
	// delivery is not Claimed under its fence changes nothing; fenced holds the ids
	// of those, but for a report that is recorded already. It must return
	// fault.ErrInvalid, and record none, where one is Sent and its Outcome is not.
	// Evidence is never refused: what of its text cannot be kept is replaced.
	Report(ctx context.Context, reports []Report) (fenced []int64, err error)
	// Due answers with jobs of at most size deliveries for what waits past its time
	// at now, the most urgent rank first, at most limit deliveries, and lets those
	// wait until retry, so that a second call does not find them again before.
	Due(ctx context.Context, now, retry time.Time, limit, size int) ([]job.Job, error)
	// Wake makes everything Queued due at now, whatever it waits for, and says how
	// much that is.
	Wake(ctx context.Context, now time.Time) (int, error)
}

// A Queue carries jobs to the senders. It may lose what it holds: the ledger
// says what is to be done again.
type Queue interface {
	// Put hands over jobs. Those before an error may have been taken.
	Put(ctx context.Context, jobs []job.Job) error
	// Epoch names the queue's life: where it is another than before, what was put
	// before may be lost. It brings a queue that vanished back to life.
	Epoch(ctx context.Context) (string, error)
}
