package stream

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"
)

// ProcessedOptions are the settings of a Processed. A zero value means the default.
type ProcessedOptions struct {
	// Table is the name of the table, by default processed.
	Table string
	// Retention is how long a noted event is kept, by default 30 days. A publisher that publishes an
	// event again after that, and after the duplicate window of the stream, makes it take effect
	// again.
	Retention time.Duration
	// Log gets failures, by default slog.Default().
	Log *slog.Logger
	// Now and After are the clock, by default that of package time.
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time
}

// A Processed keeps the events that consumers have handled in a table beside the data of a
// service. A handler notes its event in the transaction of its changes, so that they are made once,
// however often the event is delivered, and by whatever process:
//
//	err := d.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
//		first, err := processed.Note(ctx, tx, "delivery", e.Event)
//		if err != nil || !first {
//			return err
//		}
//		… // the changes
//	})
//
// A Processed is safe for concurrent use, and several processes may have one on the same table.
type Processed struct {
	table   table
	options ProcessedOptions
}

const processedSchema = `
CREATE TABLE IF NOT EXISTS $table (
	consumer  TEXT NOT NULL,
	source    TEXT NOT NULL,
	event_id  TEXT NOT NULL,
	note_time BIGINT NOT NULL,
	PRIMARY KEY (consumer, source, event_id)
);
CREATE INDEX IF NOT EXISTS $table_note_time ON $table (note_time)`

const (
	// processedInterval is the time between two deletions, and processedRetry after a failure.
	processedInterval, processedRetry = 10 * time.Minute, time.Minute
	// processedBatch is the maximum number of rows that a transaction deletes.
	processedBatch = 1000
)

// NewProcessed returns the table in a database of a dialect, SQLite or Postgres. It opens and
// starts nothing. db is as for NewOutbox.
func NewProcessed(db *sql.DB, dialect string, options ProcessedOptions) (*Processed, error) {
	setDefault(&options.Table, "processed")
	setDefault(&options.Retention, 30*24*time.Hour)
	if options.Log == nil {
		options.Log = slog.Default()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.After == nil {
		options.After = time.After
	}
	t := table{kind: "processed", db: db, dialect: dialect, name: options.Table}
	if err := t.check(); err != nil {
		return nil, err
	}
	return &Processed{table: t, options: options}, nil
}

// Migrate creates the table unless it exists. Several processes may call it at once.
func (p *Processed) Migrate(ctx context.Context) error {
	return p.table.create(ctx, processedSchema)
}

// Note notes in the caller's transaction that a consumer handles an event, and reports whether it
// is the first time. After false the caller makes no changes. If the transaction is rolled back,
// nothing is noted. Of two transactions at the same time, the second waits for the first; in
// PostgreSQL above READ COMMITTED it may fail, and its event is delivered again.
func (p *Processed) Note(ctx context.Context, tx Execer, consumer string, e Event) (first bool, err error) {
	result, err := tx.ExecContext(ctx, p.table.sql(`INSERT INTO $table (consumer, source, event_id, note_time)
		VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`), consumer, e.Source, e.ID, p.options.Now().UnixMilli())
	if err != nil {
		return false, p.table.wrap("note", err)
	}
	rows, err := result.RowsAffected()
	return rows == 1, p.table.wrap("note", err)
}

// Run deletes notes older than the retention, until ctx ends, and returns nil then. Several
// processes may run it.
func (p *Processed) Run(ctx context.Context) error {
	for {
		interval := processedInterval
		if err := p.deleteExpired(ctx); err != nil && ctx.Err() == nil {
			p.options.Log.ErrorContext(ctx, "retention of processed events failed, trying again", "table", p.options.Table, "error", err)
			interval = processedRetry
		}
		select {
		case <-p.options.After(interval):
		case <-ctx.Done():
			return nil
		}
	}
}

// deleteExpired deletes notes older than the retention, in small transactions.
func (p *Processed) deleteExpired(ctx context.Context) error {
	until := p.options.Now().Add(-p.options.Retention).UnixMilli()
	text := p.table.sql(fmt.Sprintf(`DELETE FROM $table WHERE (consumer, source, event_id) IN
		(SELECT consumer, source, event_id FROM $table WHERE note_time < ? ORDER BY note_time LIMIT %d)`, processedBatch))
	for {
		result, err := p.table.db.ExecContext(ctx, text, until)
		if err != nil {
			return p.table.wrap("delete", err)
		}
		deleted, err := result.RowsAffected()
		if err != nil || deleted < processedBatch {
			return p.table.wrap("delete", err)
		}
	}
}
