package alert

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

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
	Counter
	Dispatcher
	Forgetter
	Receipts
	Templates
	Sealed
}

// A Book is the record of what was said.
type Book interface {
	Deliveries
	// AddAlert records a with its deliveries, all or nothing, and gives them ids:
	// a.ID, and ds[i].ID in order. Ids are greater than 0 and never used again, not
	// even by a ledger that was emptied. Deliveries that are Queued wait for the
	// queue until retry, when Due finds them; others are Held or have ended. Concurrent
	// calls share commits; one that fails must not fail the others. Where ctx ends or the
	// error is fault.ErrUnavailable, all may be recorded nevertheless, or nothing. ds is
	// AddAlert's: where nothing was recorded it must not be used any more.
	//
	// Deliveries that share a Chain other than 0 are a chain, in their order: the first
	// is Queued, the others are Held, each until its NextTime, when Due makes it Queued.
	// AddAlert makes their Chain the id of the first. For how a chain goes on, see
	// Dispatcher.
	//
	// Alerts with one AlertKey have one order, that in which they are recorded. What they
	// bring to one user by one messenger is a thread: each delivery of it is Held until
	// those before it have ended, beside what its chain says. A Resolved alert has no
	// chains, and
	//   - takes the rank of the most urgent alert of its key that was not Resolved, since
	//     the last that was, or before that;
	//   - ends as Canceled, for reason Superseded, the deliveries before it in its threads
	//     that are Queued or Held, unless an attempt of them was Sent or Unknown; one that is
	//     Claimed is not tried again: see Facts;
	//   - is Canceled itself, for reason NotNeeded, when those before it have ended and no
	//     attempt of a firing one was Sent or Unknown since a resolved one was Sent.
	// In ds a delivery stays Queued only where it can be put at once.
	//
	// Where an alert was recorded under a.Key less than KeyLife before a.CreateTime,
	// nothing is recorded: for the same Request, *a becomes that alert and again is
	// true; for another, it must return fault.ErrExists. That is decided in the same
	// transaction, so of any number of calls at once one records.
	AddAlert(ctx context.Context, a *Alert, ds []Delivery, retry time.Time) (again bool, err error)
	// Alert answers with an alert and its deliveries by id, with their attempts. It
	// must return fault.ErrNotFound where no alert has the id.
	Alert(ctx context.Context, id int64) (Alert, []Delivery, error)
	// Alerts answers with alerts, the newest first.
	Alerts(ctx context.Context, q Query) ([]Alert, error)
	// Cancel ends as Canceled, for reason "canceled", what of an alert is Queued or
	// Held, and says how much that is. What is Claimed goes on, but is not tried again:
	// see Facts. It must return fault.ErrNotFound where no alert has the id.
	Cancel(ctx context.Context, id int64, now time.Time) (int, error)
	// Replay makes what s selects Queued again, due at now, to expire at expire, with
	// its tries counted anew; attempts, fence and PossibleDuplicate stay as they are.
	// What is in a chain waits for no other of it; what is in a thread waits for its turn.
	// Of a thread, what a later Resolved alert would have ended as Superseded cannot be
	// selected, nor what is of a Resolved alert where a later alert was recorded. Replay says how much that is. Where
	// dry is set it only counts. Only Failed and Expired deliveries can be selected. At
	// most 100000 are replayed in one call.
	Replay(ctx context.Context, s Selection, now, expire time.Time, dry bool) (int, error)
}

// KeyLife is how long a Key is remembered.
const KeyLife = 24 * time.Hour

// A Selection selects deliveries that ended without being sent. All of its
// conditions that are set must hold; none set selects nothing.
type Selection struct {
	IDs       []int64
	AlertID   int64
	Messenger string
	Reason    string    // to the letter
	From      time.Time // ended at or after it
	Before    time.Time // ended before it
	Among     []string  // by one of these messengers; empty means any, and is no condition
}

// Facts is what the ledger knows of a delivery when its outcome is reported.
type Facts struct {
	Now        time.Time
	Messenger  string
	Rank       job.Rank
	Tries      int       // attempts so far that count, this one not among them
	ExpireTime time.Time // of the delivery
	Canceled   bool      // while it was Claimed, its alert was canceled, or another of its chain was Sent
}

// A Verdict is where a delivery goes from an outcome.
type Verdict struct {
	State    State     // Queued, or an end
	Reason   string    // set where State is an end but not Sent
	NextTime time.Time // set where State is Queued
	Counts   bool      // the attempt counts as a try
	// Once says that the provider knows the delivery again: though the outcome is
	// Unknown, no later attempt can tell anybody twice.
	Once bool
}

// A Rule says where a delivery goes. It must be quick, depend on nothing else, and
// say Sent for an outcome that is Sent, where it need not be asked, and for no other.
type Rule func(Facts, Report) Verdict

// A Dispatcher hands out deliveries and takes reports of them.
//
// A chain goes on with what comes of its deliveries, in the same transaction. Where
// one is Sent, those that are Queued or Held end as Canceled, for reason NotNeeded,
// and one that is Claimed is not tried again: see Facts. Where one ends as Failed, or
// must wait until the NextTime of the next or longer, and the next is Held, that one
// is Queued and due at once; those behind it come sooner by as much.
type Dispatcher interface {
	// Claim takes those of ids that are Queued, and holds them until lease. It gives
	// each a greater fence. What it does not take is left out of the answer: what has
	// ended, what is Claimed or Held, what waits for a time after now that a Verdict
	// gave it, and what has expired. lease must be after now.
	//
	// The same request asked again, at the same time or later, is granted again what
	// it holds, under the fence and the lease of the first time, even where that
	// lease is over and was not swept; another request, of whatever sender, never is.
	Claim(ctx context.Context, ids []int64, by Claimant, now, lease time.Time) ([]Claim, error)
	// Free answers with those of ids that Claim would take at now, and with the Slots of
	// their last Deferral since a Claim, empty for none. It changes nothing.
	Free(ctx context.Context, ids []int64, now time.Time) (slots map[int64]string, err error)
	// Report records the attempts and moves their deliveries on as rule says, but
	// never past their ExpireTime: what would be tried at or after it waits for its
	// end as Expired. A report whose delivery is not Claimed under its fence changes
	// nothing; fenced holds the ids of those, but for a report that is recorded
	// already. Evidence is never refused: what of its text cannot be kept is replaced.
	Report(ctx context.Context, reports []Report, now time.Time, rule Rule) (fenced []int64, err error)
	// Defer gives back, for a later time and at no cost, what a sender must not send
	// now: what is Queued and was not deferred already, or is Claimed under the
	// fence. Due then gives its Slots along. What was canceled meanwhile ends. What is
	// in another state stays as it is.
	Defer(ctx context.Context, ds []Deferral, now time.Time) error
	// Release makes due at now what a Deferral by a messenger lets wait with Slots, which it
	// keeps, and says how much that is. What waits for another of its chain, or for its next
	// try, waits on.
	Release(ctx context.Context, messenger string, now time.Time) (int, error)
	// MarkTime records that it is now, and answers with what was recorded before; zero for
	// nothing. Where that is after now the clock was ahead.
	MarkTime(ctx context.Context, now time.Time) (before time.Time, err error)
	// PutRight puts right what was written by a clock that was ahead by so much: what waits
	// for a time after now waits that much less, and a lease that began after now begins
	// now. It says how many deliveries that are.
	PutRight(ctx context.Context, now time.Time, ahead time.Duration) (int, error)
	// Next says when there will be something for Due, and for Sweep, as the ledger stands:
	// the first time for which something waits, and at which something expires or a
	// lease ends. A time that has passed means that there is something now; zero, that
	// there is nothing. Due may find less than Next says, as what has expired
	// meanwhile is left to Sweep.
	Next(ctx context.Context) (due, end time.Time, err error)
	// Due answers with jobs of at most size deliveries for what is Queued or Held past
	// its time at now, or will be within ahead, the most urgent rank first, at most
	// limit deliveries, and lets those wait in the queue until retry, so that a second
	// call does not find them again before.
	Due(ctx context.Context, now, retry time.Time, ahead time.Duration, limit, size int) ([]DueJob, error)
	// Sweep ends what nobody else ends, at most limit deliveries, and says how much it
	// found. Where a lease ended at or before now without a report, it records that
	// attempt as Unknown, and moves the delivery on as rule says; all later claims of
	// it are PossibleDuplicates. What is Queued or Held at or after its ExpireTime ends
	// as Expired, for reason "expired".
	Sweep(ctx context.Context, now time.Time, limit int, rule Rule) (int, error)
	// Wake makes due at now what waits in the queue until a time at or before until,
	// not what a Verdict lets wait, and says how much that is, with what was due
	// already.
	Wake(ctx context.Context, now, until time.Time) (int, error)
}

// A DueJob is a job of which all is due at a time, and at most DueGrain before it the
// first. What was due when it was asked for is due at that time.
type DueJob struct {
	job.Job
	Time time.Time
}

// DueGrain is how far apart deliveries may be due that share a job.
const DueGrain = 10 * time.Millisecond

// A Queue carries jobs to the senders. It may lose what it holds: the ledger
// says what is to be done again.
type Queue interface {
	// Put hands over jobs, of which several may travel together, with at most size
	// deliveries. Those before an error may have been taken.
	Put(ctx context.Context, jobs []job.Job, size int) error
	// Epoch says which life of the queue it is: where it is another than before, what was
	// put before it began may be lost. Where the queue is empty, nothing that was put
	// before Epoch was called will reach a sender any more. It brings a queue that
	// vanished back to life.
	Epoch(ctx context.Context) (job.Epoch, error)
}
