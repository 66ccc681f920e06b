package event

import (
	"context"
	"time"

	"github.com/bongsu-project/bongsu/internal/eventstream"
)

// An Event is something that happened in another system, as it is stored in the stream.
type Event struct {
	// ID is unique within Source.
	ID     string
	Source string
	// Type is words with dots: order.created.
	Type string
	// Subject is empty for none. Events of one source and subject are handled in order.
	Subject string
	Time    time.Time
	// Data is JSON, byte for byte as it was published; nil for none.
	Data []byte
}

// A PlannedAlert is an alert that a rule sends for an event.
type PlannedAlert struct {
	// Rule is the rule's name.
	Rule string
	// Index is the position in the rule's notify.
	Index int
	// Targets is empty if the templates name nobody: no alert is sent then.
	Targets []string
	// By holds the names of messengers; empty for all.
	By       []string
	Severity string
	Title    string
	Message  string
	Link     string
	// Key is the alert key; empty for an alert that stands alone.
	Key    string
	Status AlertStatus
	// Escalation is the escalation policy of the incident that it opens; empty for none.
	Escalation string
	// RepeatFields are the fields whose change makes it an update; empty for those of the alert
	// service.
	RepeatFields []string
	// TTL is 0 for the default of alerts.
	TTL time.Duration
	// Batch is nil for an alert that is sent at once.
	Batch *BatchSpec
}

// AlertStatus is the status of an alert with a key.
type AlertStatus int

// The statuses, by their numbers in Protobuf.
const (
	StatusFiring       AlertStatus = 1
	StatusResolved     AlertStatus = 2
	StatusAcknowledged AlertStatus = 3
)

// A BatchSpec says when a batch of events is sent: as soon as it has Count events, or Within
// after the first one, whichever is earlier.
type BatchSpec struct {
	Count  int
	Within time.Duration
	// Message is the template of the batch's message; empty for a list of the messages.
	Message string
}

// A Failure is a rule that could not be applied to an event.
type Failure struct {
	Rule string
	// Reason is for people: at most 500 bytes, without secrets.
	Reason string
}

// Rules applies rules to events. It is safe for concurrent use.
type Rules interface {
	// Apply returns the alerts of all enabled rules that match an event, and the rules that
	// fail for it. A rule that fails has no alerts. For one event and one revision of the
	// rules, the alerts are always the same. The time and memory that it needs are bounded.
	Apply(ctx context.Context, e Event) ([]PlannedAlert, []Failure)
}

// A KeyedAlert is an alert that is sent at once.
type KeyedAlert struct {
	// Key is its idempotency key: at most 200 characters.
	Key   string
	Alert PlannedAlert
}

// An AlertResult is the result for one alert.
type AlertResult struct {
	Outcome AlertOutcome
	// Reason is why it was refused, with the field; for people.
	Reason string
}

// AlertOutcome is the result of sending an alert.
type AlertOutcome int

// The outcomes of alerts.
const (
	Recorded    AlertOutcome = iota
	Repeated                 // an alert was recorded under the key before, this one or another
	NoRecipient              // its targets name nobody, or nobody with an address
	Refused                  // it is invalid
)

// Alerts records alerts. It is safe for concurrent use.
type Alerts interface {
	// SendAlerts records alerts, and returns a result for each. Under a key that another
	// alert has, none is recorded. It returns fault.ErrUnavailable if alerts cannot be recorded
	// now: some may have been, and all of them are to be sent again. Any other error may be due
	// to one of the alerts.
	SendAlerts(ctx context.Context, alerts []KeyedAlert) ([]AlertResult, error)
}

// A BatchedAlert is an alert that waits for the others of its batch.
type BatchedAlert struct {
	// Key is the idempotency key of the event's alert: it differs by rule, source, id and
	// index. At most 200 characters.
	Key   string
	Event Event
	Alert PlannedAlert
}

// Batches collects the alerts of rules with a batch, and sends them. It is safe for
// concurrent use, by several processes too.
type Batches interface {
	// AddToBatches stores alerts, in their order, and returns when they are on disk. An alert
	// whose key was added before is not added again, also if its batch was sent since, for as
	// long as the stream keeps events (MaxEventAge).
	AddToBatches(ctx context.Context, alerts []BatchedAlert) error
}

// MaxEventAge is the time for which the stream keeps events. An event that was not handled
// by then is lost: an event service must not be stopped for longer.
const MaxEventAge = 7 * 24 * time.Hour

// A DeadLetter is an event that could not be handled.
type DeadLetter struct {
	// ID ascends with the time of creation. It is assigned by the store.
	ID int64
	// Key names the event and the rule: a hash of 64 hexadecimal digits.
	Key string
	// Event is the event as a CloudEvent in structured JSON; as it was received if it could
	// not be read.
	Event []byte
	// Rule is the rule that failed; empty if the event could not be read.
	Rule string
	// Reason is for people, at most 500 bytes.
	Reason string
	// CreateTime has microseconds.
	CreateTime time.Time
}

// A DeadLetterQuery selects a page of dead letters.
type DeadLetterQuery struct {
	// Before selects ids below it; 0 for all.
	Before int64
	// Rule is empty for all rules.
	Rule  string
	Limit int
}

// DeadLetters stores dead letters. Every method is one transaction. It is safe for concurrent
// use, by several processes too.
type DeadLetters interface {
	// AddDeadLetters stores dead letters and assigns their ids. One whose key is stored
	// replaces the reason of that one: a redelivered event is listed once.
	AddDeadLetters(ctx context.Context, letters []DeadLetter) error
	// DeadLetters returns dead letters, the highest id first.
	DeadLetters(ctx context.Context, q DeadLetterQuery) ([]DeadLetter, error)
	// DeadLettersByID returns those with the ids, the lowest first. Unknown ids are ignored.
	DeadLettersByID(ctx context.Context, ids []int64) ([]DeadLetter, error)
	// DeleteDeadLetters deletes dead letters. Unknown ids are ignored.
	DeleteDeadLetters(ctx context.Context, ids []int64) error
	// CountDeadLetters returns the number of dead letters.
	CountDeadLetters(ctx context.Context) (int, error)
}

// A Publisher stores events in the stream. It is safe for concurrent use.
type Publisher interface {
	// Publish stores entries in their order, and returns for each whether it was a duplicate. It
	// returns fault.ErrUnavailable if one was not stored: others may have been.
	Publish(ctx context.Context, entries []eventstream.Entry) ([]bool, error)
}

// Metrics counts events. It is safe for concurrent use.
type Metrics interface {
	// Published counts n events that were published, by outcome: stored, duplicate or refused.
	Published(outcome string, n int)
	// Handled counts an event that was handled, by outcome: one of the Handling constants.
	Handled(outcome Handling)
}
