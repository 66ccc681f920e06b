package alert

import (
	"context"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/internal/target"
)

// A Recipient is one user and one of the user's addresses, as a lookup returns it.
type Recipient struct {
	Nickname              string
	Failover              bool // of the user: the addresses form a failover chain
	Messenger             string
	Destination           string
	SealedCredential      []byte
	CredentialFingerprint string // empty for an address without fingerprint
	// QuietHours are those of the user; nil for none. They are the same pointer for all
	// addresses of a user, and must not be changed.
	QuietHours *quiethours.Hours
}

// A LookupResult is the result of a lookup. It must not be changed.
type LookupResult struct {
	Recipients     []Recipient
	UnknownTargets []string // as the caller wrote them, without duplicates
}

// A Directory resolves targets.
type Directory interface {
	// LookUp returns one recipient per user and messenger, each once, in the order of the
	// targets; those of one user together, by address rank. The result is that of the
	// directory at the call.
	LookUp(ctx context.Context, targets target.List) (LookupResult, error)
}

// An AlertQuery selects alerts. All conditions that are set must hold.
type AlertQuery struct {
	Before       int64  // only ids below it; 0 for the first page
	Limit        int    // at least 1
	Severity     string // exact match
	State        State  // with a delivery in this state
	Nickname     string // with a delivery to this user
	From         time.Time
	CreateBefore time.Time
}

// A Ledger stores alerts, deliveries and attempts, and is the source of truth for them.
// Every method is one transaction. A method that changes something returns only after the
// commit is on disk.
//
// A Ledger is safe for concurrent use, also by several processes if its database is a
// server.
type Ledger interface {
	AlertStore
	BacklogCounter
	Dispatcher
	Deleter
	ReceiptStore
	TemplateStore
	SealCounter
	CallbackStore
	IncidentChangeStore
}

// An IncidentChangeStore keeps incident changes until a follower has stored them.
// AddAlert and AddAlerts record a change for each alert with an incident, in their transaction.
type IncidentChangeStore interface {
	// IncidentChanges returns the changes with an id greater than after, in the order of their
	// ids, at most limit, which must be at least 1, with their alerts. A change with a smaller
	// id than a returned one is never recorded later, also by another process: so the last id
	// is the after of the next call. Changes of alerts that were deleted are left out.
	IncidentChanges(ctx context.Context, after int64, limit int) ([]IncidentChange, error)
	// DeleteIncidentChanges deletes the changes with an id up to until, which its follower has
	// stored.
	DeleteIncidentChanges(ctx context.Context, until int64) error
}

// An AlertStore records, reads, cancels and replays alerts.
type AlertStore interface {
	DeliveryReader
	// AddAlert records a with its deliveries, all or nothing, and returns them with their
	// ids, those of the deliveries in the order of ds. Ids are greater than 0 and never
	// used again, not even by a ledger that was emptied. Deliveries that are Queued count
	// as in the queue until retry, when TakeDue returns them; others are Held or completed.
	// Concurrent calls share commits; one that fails must not fail the others. If ctx ends
	// or the error is fault.ErrUnavailable, either all or nothing is recorded. AddAlert
	// takes ownership of ds, also if it returns an error: the caller must not use it any
	// more, as it may be, with changes, the memory of the returned deliveries.
	//
	// Deliveries that share a Chain other than 0 are a failover chain, in their order: the
	// first is Queued, the others are Held, each until its NextTime, when TakeDue makes it
	// Queued. The returned ones have the id of the first as their Chain. How a chain
	// advances is described at Dispatcher.
	//
	// Deliveries with a Hold are held back until their NextTime: TakeDue does not return them
	// before, and Claim does not grant them. They keep the Hold until they are completed. In a
	// thread they wait for the earlier deliveries too. A firing one that has not been sent is
	// Canceled, for reason Superseded, when a later firing alert of its key is recorded whose
	// delivery in the thread is not held back or, after HoldQuietHours, is held back too.
	//
	// Alerts with one AlertKey are ordered as they are recorded. Their deliveries to one
	// user by one messenger are a thread: each delivery is Held until the earlier ones of
	// the thread are completed, in addition to the rules of its chain. A Resolved alert
	// has no chains, and
	//   - has the rank of the most urgent firing alert of its key since the last resolved
	//     one or, if there is none since then, before it;
	//   - cancels, for reason Superseded, the earlier deliveries of its threads that are
	//     Queued or Held, unless an attempt of them was Sent or Unknown; one that is
	//     Claimed is not retried: see VerdictFacts;
	//   - is Canceled itself, for reason NotNeeded, if the earlier ones are completed and
	//     no attempt of a firing one was Sent or Unknown since a resolved one was Sent.
	// A returned delivery is Queued only if it can be enqueued at once.
	//
	// NextIncidentStep decides the effect of an alert on the incident of its key, in the order
	// in which alerts are recorded; the returned alert has its Incident, Repeat, Reply and
	// Flapping. A delivery of a Repeat is Canceled, for reason Repeated, at once or when its
	// turn comes, if the last update of the incident, or a later firing alert, was Sent or
	// Unknown at its thread since a resolved one was Sent, or if that is so for another
	// delivery of its chain; otherwise it is sent. An Acknowledged alert has no chains; it is
	// Canceled as a Resolved one is, for reason NotNeeded, also if no incident is open, and
	// for reason Superseded by a later Resolved one.
	//
	// A delivery has as Previous the Reference of the last message that was Sent to its
	// Destination in its thread for the same incident, unless an outcome since then had
	// PreviousGone. Jobs of TakeDue have it too.
	//
	// If an alert was recorded under a.StoredKey() less than IdempotencyKeyTTL before
	// a.CreateTime, nothing is recorded: for the same RequestDigest, the result is a
	// duplicate, and for another one, it must return fault.ErrExists. This is decided in
	// the same transaction, so exactly one of several concurrent calls records.
	//
	// If no callback endpoint has the name a.Callback, nothing is recorded, and it must
	// return fault.ErrInvalid with the field callback. This is checked first.
	AddAlert(ctx context.Context, a Alert, ds []Delivery, retry time.Time) (Added, error)
	// AddAlerts records alerts as AddAlert does each of them, in their order, in one
	// transaction. It returns a result for each: one that AddAlert would refuse does not
	// affect the others. If ctx ends or AddAlerts returns an error, either all of the
	// others are recorded or none. It takes ownership of the deliveries.
	AddAlerts(ctx context.Context, adds []Addition) ([]AddResult, error)
	// Alert returns an alert and its deliveries sorted by id, with their attempts. It must
	// return fault.ErrNotFound if no alert has the id.
	Alert(ctx context.Context, id int64) (Alert, []Delivery, error)
	// Alerts returns alerts, the newest first.
	Alerts(ctx context.Context, q AlertQuery) ([]Alert, error)
	// Cancel cancels the deliveries of an alert that are Queued or Held, for reason
	// "canceled", and returns their number. Claimed ones continue, but are not retried:
	// see VerdictFacts. It must return fault.ErrNotFound if no alert has the id.
	Cancel(ctx context.Context, id int64, now time.Time) (int, error)
	// CancelSelected cancels the selected deliveries as Cancel does, at most 100000 in one
	// call, and returns the number of those that were Queued or Held, and the ids of their
	// alerts; with dry it only counts.
	CancelSelected(ctx context.Context, s CancelSelection, now time.Time, dry bool) (n int, alertIDs []int64, err error)
	// Replay makes the selected deliveries Queued again, due at now and with the
	// ExpireTime expire. Their tries are reset; attempts, fence and PossibleDuplicate are
	// kept. They do not wait for others of their chain, but for their place in the thread.
	// In a thread, neither a delivery that a later Resolved alert would have superseded
	// can be selected, nor one of a Resolved alert if a later alert was recorded. Replay
	// returns the number of deliveries; with dry it only counts. Only Failed and Expired
	// deliveries can be selected, and those that are Canceled for reason Silenced, if s has
	// their ids or that reason; at most 100000 in one call.
	Replay(ctx context.Context, s ReplaySelection, now, expire time.Time, dry bool) (int, error)
}

// Added is the result of AddAlert.
type Added struct {
	Alert      Alert      // as recorded; of a duplicate the one that was recorded before, with its Counts
	Deliveries []Delivery // as recorded; nil for a duplicate
	Duplicate  bool       // nothing was recorded: the request is a repeated one
}

// An Addition is an alert for AddAlerts.
type Addition struct {
	Alert      Alert
	Deliveries []Delivery
	Retry      time.Time // see AddAlert
	// KeepChanged records the alert also if its idempotency key was used for another
	// request: under Alert.ChangedKey. If that was used too, it is a duplicate.
	KeepChanged bool
}

// An AddResult is the result of AddAlerts for one alert.
type AddResult struct {
	Added
	Changed bool  // it was recorded, or is a duplicate, under its changed key
	Err     error // fault.ErrInvalid or fault.ErrExists if it was refused, as by AddAlert
}

// DeliveryCount returns the number of deliveries of the alert.
func (r Added) DeliveryCount() int {
	if r.Duplicate {
		return r.Alert.Counts.Total()
	}
	return len(r.Deliveries)
}

// changesOthers reports whether the alert may have changed when deliveries are due that are not
// enqueued with it: it is resolved, or it found others in its threads.
func (r Added) changesOthers() bool {
	if r.Alert.AlertKey == "" {
		return false
	}
	return r.Alert.Resolved || slices.ContainsFunc(r.Deliveries, func(d Delivery) bool { return d.State != Queued })
}

// IdempotencyKeyTTL is how long an idempotency key is remembered.
const IdempotencyKeyTTL = 24 * time.Hour

// An AlertFilter selects alerts. All conditions that are set must hold.
type AlertFilter struct {
	Key          string    // the alert key, as job.DisplayKey returns it
	Source       string    // the source of intake
	Group        string    // a group among the targets, as the caller wrote it, without @@
	From         time.Time // recorded at or after it
	CreateBefore time.Time // recorded before it
}

// A CancelSelection selects uncompleted deliveries. All conditions that are set must hold;
// without a condition it selects nothing.
type CancelSelection struct {
	AlertID   int64
	Messenger string
	Alerts    AlertFilter // of their alerts
}

// A ReplaySelection selects deliveries that were completed without being sent. All
// conditions that are set must hold; without a condition it selects nothing.
type ReplaySelection struct {
	IDs       []int64
	AlertID   int64
	Messenger string
	Reason    string      // exact match
	From      time.Time   // completed at or after it
	Before    time.Time   // completed before it
	Among     []string    // by one of these messengers; empty for any, and not a condition by itself
	Alerts    AlertFilter // of their alerts
}

// VerdictFacts is the state of a delivery in the ledger when its outcome is reported.
type VerdictFacts struct {
	Now        time.Time
	Messenger  string
	Rank       job.Rank
	Tries      int       // earlier attempts that count as tries
	ExpireTime time.Time // of the delivery
	Canceled   bool      // while it was Claimed, it was canceled or superseded, or another of its chain was Sent
	Hold       Hold      // of the delivery
}

// A Verdict is the next state of a delivery after an outcome.
type Verdict struct {
	State       State     // Queued, or a final state
	Reason      string    // set if State is final but not Sent
	NextTime    time.Time // set if State is Queued
	CountsAsTry bool      // the attempt counts as a try
	// ProviderDeduplicates is true if the provider deduplicates the delivery: although the
	// outcome is Unknown, a later attempt cannot notify anybody twice.
	ProviderDeduplicates bool
}

// A VerdictRule returns the verdict for a reported outcome. It must be fast, and depend on
// its arguments only. It must return Sent for an outcome that is Sent, and for no other; for
// Sent the ledger need not call it.
type VerdictRule func(VerdictFacts, dispatch.Report) Verdict

// A Dispatcher lets senders claim deliveries and report their outcomes.
//
// A failover chain advances in the transaction that changes one of its deliveries. If one
// is Sent, those that are Queued or Held are Canceled, for reason NotNeeded, and one that
// is Claimed is not retried: see VerdictFacts. If one is Failed, or must wait until the
// NextTime of the next one or longer, and the next one is Held, that becomes Queued and due
// at once; the ones after it become due sooner by the same time.
type Dispatcher interface {
	// Claim claims those of ids that are Queued, until lease. It increases the fencing
	// token of each. Deliveries that it does not claim are not in the result: those that
	// are completed, Claimed, Held or expired, and those with a NextTime after now from a
	// Verdict. lease must be after now.
	//
	// A retried request, at the same time or later, returns the claims that it still has,
	// with the fencing token and the lease of the first time, even if that lease has
	// expired and was not swept; another request, of any sender, never returns them.
	Claim(ctx context.Context, ids []int64, by Claimant, now, lease time.Time) ([]dispatch.Claim, error)
	// Claimable returns those of ids that are claimable at now, with the Slots of their
	// last Deferral since a Claim, empty for none. It changes nothing.
	Claimable(ctx context.Context, ids []int64, now time.Time) (slots map[int64]string, err error)
	// Report records the attempts and applies the verdicts of rule to their deliveries,
	// but never beyond their ExpireTime: a delivery whose next attempt would be at or
	// after it waits to become Expired. A report whose delivery is not Claimed under its
	// fencing token changes nothing; fenced returns the ids of these, except for a report
	// that is already recorded. Evidence is never refused: text that cannot be stored is
	// replaced. Deliveries with a Hold whose attempts were one message, because its reports have
	// the same times, are next due together, at the latest of the times of their verdicts.
	Report(ctx context.Context, reports []dispatch.Report, now time.Time, rule VerdictRule) (fenced []int64, err error)
	// Defer gives deliveries a later time without an attempt, if they are Queued and not
	// yet deferred, or Claimed under the fencing token. TakeDue then returns their Slots too.
	// Deliveries that were canceled meanwhile are completed. Those in another state do not
	// change.
	Defer(ctx context.Context, ds []dispatch.Deferral, now time.Time) error
	// Release makes due at now the deferred deliveries of a messenger that have Slots, and
	// returns their number. They keep their Slots. Deliveries that wait for another of
	// their chain, or for a retry, do not change.
	Release(ctx context.Context, messenger string, now time.Time) (int, error)
	// RecordTime records now, and returns the time that was recorded before; zero for none.
	// If that is after now, the clock was ahead.
	RecordTime(ctx context.Context, now time.Time) (before time.Time, err error)
	// CorrectTimes corrects times that were written by a clock that was ahead: a delivery
	// due after now becomes due earlier by ahead, and a lease that began after now begins
	// now. It returns the number of these deliveries.
	CorrectTimes(ctx context.Context, now time.Time, ahead time.Duration) (int, error)
	// NextTimes returns the next times at which TakeDue and Sweep have work: the first time
	// at which a delivery is due, and the first at which a delivery or a lease expires. A
	// time in the past means that there is work now; zero, that there is none. TakeDue may
	// still return no jobs, because it leaves expired deliveries to Sweep.
	NextTimes(ctx context.Context) (due, end time.Time, err error)
	// TakeDue returns jobs of at most size deliveries for those that are Queued or Held and
	// are due at now or within ahead, the most urgent rank first, at most limit
	// deliveries. It sets their time to retry, so that a second call does not return them
	// before.
	//
	// Held-back deliveries to one address become one job with DigestLines, with a line for each
	// delivery, whatever their alerts and ranks are; it has the rank, the AlertID and the content of the
	// most urgent one. At most limit held-back deliveries are returned beside the others.
	// A job has at most 1000 deliveries and about half a megabyte; one that is alone is an ordinary job.
	TakeDue(ctx context.Context, now, retry time.Time, ahead time.Duration, limit, size int) ([]DueJob, error)
	// Sweep sweeps at most limit deliveries and returns their number. If a lease expired
	// at or before now without a report, it records the attempt as Unknown and applies the
	// verdict of rule; all later claims of the delivery have PossibleDuplicate. Deliveries
	// that are Queued or Held at or after their ExpireTime become Expired, for reason
	// "expired".
	Sweep(ctx context.Context, now time.Time, limit int, rule VerdictRule) (int, error)
	// Reenqueue makes deliveries due at now that are in the queue until a time at or before
	// until, but not those that wait for the time of a Verdict. It returns their number,
	// including those that were due already.
	Reenqueue(ctx context.Context, now, until time.Time) (int, error)
}

// A DueJob is a job whose deliveries are all due at Time, the first at most DueGranularity
// before it. For deliveries that were already due, Time is the time of the query.
type DueJob struct {
	job.Job
	Time time.Time
}

// DueGranularity is the maximum difference between the due times of deliveries that share a
// job.
const DueGranularity = 10 * time.Millisecond

// A Queue carries jobs to the senders. It may lose jobs: the ledger is the source of truth
// for re-enqueuing them.
type Queue interface {
	// Enqueue enqueues jobs, of which several may share a queue message of at most size
	// deliveries. If it returns an error, some jobs may have been enqueued.
	Enqueue(ctx context.Context, jobs []job.Job, size int) error
	// Generation returns the generation of the queue: if it differs from the last one, jobs
	// that were enqueued before it began may be lost. If the queue is empty, no job that
	// was enqueued before the call will reach a sender any more. Generation recreates a
	// queue that has vanished.
	Generation(ctx context.Context) (job.Generation, error)
}
