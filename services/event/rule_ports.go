package event

import (
	"context"
	"time"
)

// A Store stores rules, batches and dead letters. Times have microseconds; values that cannot
// be stored are fault.ErrInvalid. Every method is one transaction, unless it says otherwise.
//
// A Store is safe for concurrent use, by several processes too.
type Store interface {
	RuleStore
	BatchStore
}

// RuleStore stores rules. Each change of a rule, its deletion included, increases the revision
// of the store.
type RuleStore interface {
	// AddRule stores a rule and returns its revision. It must return fault.ErrExists if the
	// name is taken.
	AddRule(ctx context.Context, r Rule) (revision int64, err error)
	// SetRule replaces a rule and returns its new revision. If r.Revision is not 0, it must
	// return fault.ErrConflict unless that is the revision of the rule. It must return
	// fault.ErrNotFound if no rule has the name.
	SetRule(ctx context.Context, r Rule) (revision int64, err error)
	// DeleteRule must return fault.ErrNotFound if no rule has the name.
	DeleteRule(ctx context.Context, name string) error
	// Rule must return fault.ErrNotFound if no rule has the name.
	Rule(ctx context.Context, name string) (Rule, error)
	// Rules returns rules by name: those with a name above after, at most limit of them.
	Rules(ctx context.Context, after string, limit int) ([]Rule, error)
	// AllRules returns all rules by name, and the revision of the store that they are of.
	AllRules(ctx context.Context) ([]Rule, int64, error)
	// RuleRevision returns the revision of the store: 0 before the first change.
	RuleRevision(ctx context.Context) (int64, error)
}

// EscalationPolicies are the escalation policies of the incident service. It is safe for
// concurrent use.
type EscalationPolicies interface {
	// CheckPolicy returns fault.ErrNotFound if no policy has the name.
	CheckPolicy(ctx context.Context, name string) error
}

// BatchStore stores alerts until their batch is sent. A batch has a lease while a process sends
// it: for its time, no other process gets it.
type BatchStore interface {
	// AddToBatches adds alerts to the open batches of their rules, targets and settings, in
	// their order. An alert whose key was added before is left out. A batch without room
	// takes no more alerts and is due; the rest starts a new one, which is due Within after
	// now. It reports whether a batch is due by that.
	AddToBatches(ctx context.Context, alerts []BatchedAlert, now time.Time) (due bool, err error)
	// ClaimBatches returns batches that are due at now, at most limit of them, the earliest
	// first. They take no more alerts, and are leased until now+lease.
	ClaimBatches(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]ClaimedBatch, error)
	// ReleaseBatches ends the leases of claimed batches before their time, unless another
	// process has claimed them since.
	ReleaseBatches(ctx context.Context, batches []ClaimedBatch) error
	// FailBatch counts a failure of a claimed batch, which keeps its lease, unless another
	// process has claimed it since.
	FailBatch(ctx context.Context, b ClaimedBatch) error
	// CloseBatches makes the batches of a rule due, and returns the number of its batches.
	CloseBatches(ctx context.Context, rule string, now time.Time) (int, error)
	// BatchedAlerts returns the alerts of a batch with their events, in the order in which
	// they were added.
	BatchedAlerts(ctx context.Context, id int64) ([]BatchedAlert, error)
	// DeleteBatches deletes batches that were sent. The keys of their alerts are kept. Unknown
	// ids are ignored.
	DeleteBatches(ctx context.Context, ids []int64) error
	// ForgetBatch deletes a batch whose events are dead letters, and the keys of its alerts: they can be
	// added again. An unknown id is ignored.
	ForgetBatch(ctx context.Context, id int64) error
	// DeleteBatchedKeys deletes keys that were added before a time, at most limit of them,
	// and returns their number.
	DeleteBatchedKeys(ctx context.Context, before time.Time, limit int) (int, error)
}

// A ClaimedBatch is a batch that this process sends.
type ClaimedBatch struct {
	ID int64
	// Key is the idempotency key of the batch's alert: that of its first event's alert.
	Key string
	// Alert has the parts that all alerts of the batch have in common: Rule, Index, Targets, By,
	// TTL and Batch.
	Alert PlannedAlert
	// Items holds at least one.
	Items []BatchItem
	// LeaseTime is when the lease ends.
	LeaseTime time.Time
	// Failures is the number of its failures before: see FailBatch.
	Failures int
}

// A BatchItem is the part of a batched alert that is its own.
type BatchItem struct{ Severity, Title, Message, Link string }
