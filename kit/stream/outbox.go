package stream

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Dialects of a database.
const (
	SQLite   = "sqlite3"
	Postgres = "postgres"
)

// OutboxOptions are the settings of an Outbox. A zero value means the default.
type OutboxOptions struct {
	// Table is the name of the table, by default outbox.
	Table string
	// Interval is the time between two looks for new events, by default 200 ms. Wake is
	// faster.
	Interval time.Duration
	// Lease is how long a process has to publish the events that it claimed, by default
	// 30 s. After the death of a process others publish its events when their lease has
	// expired. The clocks of the processes should agree to within a fraction of it.
	Lease time.Duration
	// Batch is the maximum number of events that a process claims at a time, by default 256.
	Batch int
	// MinBackoff and MaxBackoff bound the delay before an event is published again after a
	// failure, by default 100 ms and 30 s. It is doubled with each failure.
	MinBackoff, MaxBackoff time.Duration
	// Log gets failures and refused events, by default slog.Default().
	Log *slog.Logger
	// Now and After are the clock, by default that of package time.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

// An Outbox keeps events in a table beside the data of a service and publishes them. Add
// stores events in the caller's transaction, and Run publishes the committed ones:
//
//   - An event is published at least once if its transaction commits, and never if it is
//     rolled back. A process that is killed after the commit loses nothing. An event that is
//     published again has the same id, so that the stream drops it.
//   - Events of one source and subject are published in the order of their Add, one after
//     the other, also by several processes, after failures and after a kill. Of two
//     transactions that ran at the same time, the one that called Add first is first; call
//     Add after locking the row that the event is about.
//   - An event that the publisher refuses as invalid stays in the table, and later events of
//     its subject are published. See Refused, Replay and Discard.
//
// An Outbox is safe for concurrent use, and several processes may have one on the same table.
type Outbox struct {
	table     outboxTable
	publisher Publisher
	options   OutboxOptions
	wake      chan struct{}
}

// NewOutbox returns the outbox in a database of a dialect, SQLite or Postgres. It opens and
// starts nothing. Of SQLite, db must wait for locks (busy_timeout). kit/database.Database has
// both: d.Dialect() and d.Writer().
func NewOutbox(db *sql.DB, dialect string, publisher Publisher, options OutboxOptions) (*Outbox, error) {
	options = options.withDefaults()
	table := newOutboxTable(db, dialect, options.Table)
	if err := table.check(); err != nil {
		return nil, err
	}
	return &Outbox{
		table: table, publisher: publisher, options: options, wake: make(chan struct{}, 1),
	}, nil
}

func (o OutboxOptions) withDefaults() OutboxOptions {
	setDefault(&o.Table, "outbox")
	setDefault(&o.Interval, 200*time.Millisecond)
	setDefault(&o.Lease, 30*time.Second)
	setDefault(&o.Batch, 256)
	setDefault(&o.MinBackoff, 100*time.Millisecond)
	setDefault(&o.MaxBackoff, 30*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.After == nil {
		o.After = time.After
	}
	return o
}

func setDefault[T comparable](value *T, to T) {
	var zero T
	if *value == zero {
		*value = to
	}
}

// Migrate creates the table unless it exists. Several processes may call it at once.
func (o *Outbox) Migrate(ctx context.Context) error { return o.table.create(ctx) }

// An Execer is the transaction of a caller: a *sql.Tx, or a *database.Tx of kit/database.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Add stores events in the caller's transaction. They are published after its commit, and
// dropped by its rollback. An event without id or time gets them now. An invalid event is
// fault.ErrInvalid with the field, such as events[1].type, and then none is stored; any other
// error means that the caller must roll back.
func (o *Outbox) Add(ctx context.Context, tx Execer, events ...Event) error {
	now := o.options.Now()
	completed := make([]Event, len(events))
	for i, event := range events {
		event.complete(now)
		if err := event.validate(); err != nil {
			return fault.Within(fmt.Sprintf("events[%d]", i), err)
		}
		completed[i] = event
	}
	for i := range completed {
		if err := o.table.add(ctx, tx, &completed[i], now); err != nil {
			return err
		}
	}
	return nil
}

// Wake makes Run look for new events at once. Call it after a commit; it does not block.
func (o *Outbox) Wake() {
	select {
	case o.wake <- struct{}{}:
	default: // a look is due already
	}
}

// A Backlog is the number and the age of the rows of an outbox.
type Backlog struct {
	Pending int       // events to publish
	Refused int       // events that the publisher refused
	Oldest  time.Time // when the oldest pending event was added; zero without one
}

// Backlog returns the backlog, for metrics and health checks.
func (o *Outbox) Backlog(ctx context.Context) (Backlog, error) { return o.table.backlog(ctx) }

// A Refusal is an event that the publisher refused as invalid.
type Refusal struct {
	Event
	Row    int64  // the row, for Replay and Discard
	Reason string // the text of the publisher's error
}

// Refused returns the refused events, the oldest first, at most limit.
func (o *Outbox) Refused(ctx context.Context, limit int) ([]Refusal, error) {
	return o.table.refusals(ctx, limit)
}

// Replay makes refused events pending again, such as after the publisher was mended. They
// come before the pending events of their subject. Rows that are not refused stay as they
// are.
func (o *Outbox) Replay(ctx context.Context, rows ...int64) error {
	err := o.table.replay(ctx, rows)
	o.Wake()
	return err
}

// Discard deletes refused events. Rows that are not refused stay as they are.
func (o *Outbox) Discard(ctx context.Context, rows ...int64) error {
	return o.table.discard(ctx, rows)
}
