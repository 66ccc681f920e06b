package ledger

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/kit/database"
)

// In PostgreSQL each kind of change has its own batcher, and most changes need a single
// statement, which commits by itself. A transaction would wait for a round trip at its begin,
// after each statement and at its end, each of which takes long on a busy machine.

// writeSingle writes changes of one kind, by a single statement if possible.
func (s *Store) writeSingle(ctx context.Context, changes []pendingWrite) error {
	switch first := changes[0].(type) {
	case *pendingAdd, pendingAdds:
		if plain := plainAdds(changes); plain != nil {
			return s.addSingle(ctx, plain)
		}
	case *pendingClaim:
		if len(changes) == 1 {
			return s.claimSingle(ctx, first)
		}
	case *pendingReport:
		if plain := plainReports(changes); plain != nil {
			return s.reportSingle(ctx, plain)
		}
	}
	return s.writeBatch(ctx, changes)
}

// plainAdds returns the adds if none has a key of any kind or a callback, and all deliveries are plain and not
// too many for one statement; otherwise nil.
func plainAdds(changes []pendingWrite) (adds []*pendingAdd) {
	rows := 0
	for _, c := range changes {
		calls, ok := c.(pendingAdds)
		if !ok {
			calls = pendingAdds{c.(*pendingAdd)}
		}
		for _, a := range calls {
			if rows += len(a.deliveries); rows > maxBatchRows || !a.isPlain() {
				return nil
			}
			adds = append(adds, a)
		}
	}
	return adds
}

// isPlain reports whether an add has no key of any kind and no callback, and plain deliveries only.
func (a *pendingAdd) isPlain() bool {
	if a.alert.IdempotencyKey != "" || a.alert.AlertKey != "" || a.alert.Callback != "" {
		return false
	}
	for i := range a.deliveries {
		if !isPlainDelivery(&a.deliveries[i]) {
			return false
		}
	}
	return true
}

// addSingle inserts alerts and their deliveries in one statement.
func (s *Store) addSingle(ctx context.Context, adds []*pendingAdd) error {
	return s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, _, _ := deliveriesOf(adds)
		alerts, deliveries := insertAlerts(t, adds), insertPlain(t, rows)
		return statement{`WITH added AS (` + alerts.text + `) ` + deliveries.text, append(alerts.args, deliveries.args...)}.run(ctx, t)
	})
}

// claimSingle grants a claim. It is idempotent.
func (s *Store) claimSingle(ctx context.Context, c *pendingClaim) error {
	var taken []dispatch.Claim
	if err := s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		taken, err = c.take(ctx, t, c.ids)
		return err
	}); err != nil {
		return err
	}
	if len(taken) < len(c.ids) {
		if err := s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) (err error) {
			taken, err = c.selectGranted(ctx, t, c.ids)
			return err
		}); err != nil {
			return err
		}
	}
	c.granted = c.granted[:0]
	c.grant(taken)
	return nil
}

// reportSingle records plain reports, and then those whose deliveries are not simple. It is
// idempotent.
func (s *Store) reportSingle(ctx context.Context, plain []reportEntry) error {
	var rest []reportEntry
	if err := s.db.WriteSingle(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		rest, err = writeSent(ctx, t, plain)
		return err
	}); err != nil || len(rest) == 0 {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, t *database.Tx) error {
		for _, e := range rest {
			e.of.fenced = nil
		}
		return writeReports(ctx, t, rest)
	})
}

// plainReports returns the reports of all calls, ordered by delivery id, if all are plain and
// for different deliveries; otherwise nil.
func plainReports(changes []pendingWrite) []reportEntry {
	calls := make([]*pendingReport, len(changes))
	for i, c := range changes {
		calls[i] = c.(*pendingReport)
	}
	firsts, repeated := splitFirsts(entriesOf(calls))
	if plain, rest := splitPlain(firsts); len(repeated)+len(rest) == 0 {
		return plain
	}
	return nil
}
