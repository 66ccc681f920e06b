package stream_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// openProcessed opens a database with a table of processed events.
func openProcessed(t *testing.T, url string, options stream.ProcessedOptions) (*stream.Processed, *database.Database) {
	t.Helper()
	options.Log = slog.New(slog.DiscardHandler)
	d, err := database.Open(t.Context(), url, shopSchema)
	kittest.NoError(t, err)
	t.Cleanup(func() { kittest.NoError(t, d.Close()) })
	processed, err := stream.NewProcessed(d.Writer(), d.Dialect(), options)
	kittest.NoError(t, err)
	kittest.NoError(t, processed.Migrate(t.Context()))
	return processed, d
}

func TestProcessed(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		c := newClock()
		after := make(chan time.Time)
		processed, d := openProcessed(t, url, stream.ProcessedOptions{Retention: time.Hour, Now: c.Now, After: func(time.Duration) <-chan time.Time { return after }})
		note := func(consumer string, e stream.Event, fail error) bool {
			t.Helper()
			var first bool
			err := inTx(t, d.Writer(), func(tx *sql.Tx) (err error) {
				if first, err = processed.Note(t.Context(), tx, consumer, e); err != nil {
					return err
				}
				return fail
			})
			kittest.Error(t, errors.Join(err, fail), fail)
			return first
		}
		a, other := event("a", "1"), event("a", "1")
		other.Source = "shop/stock"
		kittest.Equal(t, note("delivery", a, errDatabase), true) // rolled back
		kittest.Equal(t, note("delivery", a, nil), true)
		kittest.Equal(t, note("delivery", a, nil), false)
		kittest.Equal(t, note("delivery", other, nil), true)
		kittest.Equal(t, note("page", a, nil), true)

		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- processed.Run(ctx) }()
		after <- time.Time{} // after the first deletion
		kittest.Equal(t, note("delivery", a, nil), false)
		c.advance(time.Hour + time.Millisecond)
		kittest.Equal(t, note("delivery", event("b", "1"), nil), true)
		after <- time.Time{} // begins the second
		after <- time.Time{}
		kittest.Equal(t, note("delivery", a, nil), true)
		kittest.Equal(t, note("delivery", event("b", "1"), nil), false)
		cancel()
		kittest.NoError(t, <-ended)
	})
}

// TestProcessedAtOnce notes an event in concurrent transactions: one is the first.
func TestProcessedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, url string) {
		processed, d := openProcessed(t, url, stream.ProcessedOptions{})
		var firsts atomic.Int64
		errs := kittest.Concurrently(8, func(int) error {
			return d.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				first, err := processed.Note(ctx, tx, "delivery", event("a", "1"))
				if first {
					firsts.Add(1)
				}
				return err
			})
		})
		kittest.NoError(t, errors.Join(errs...))
		kittest.Equal(t, firsts.Load(), int64(1))
	})
}
