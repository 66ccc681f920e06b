package ledger

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// In PostgreSQL each kind of change has its own batcher, and most changes need a single
// statement, which commits by itself. A transaction would wait for a round trip at its begin,
// after each statement and at its end, each of which takes long on a busy machine.

// writeOnce writes changes of one kind, by a single statement if possible.
func (s *Store) writeOnce(ctx context.Context, changes []change) error {
	switch first := changes[0].(type) {
	case *add:
		if plain := plainAdds(changes); plain != nil {
			return s.addOnce(ctx, plain)
		}
	case *claim:
		if len(changes) == 1 {
			return s.claimOnce(ctx, first)
		}
	case *report:
		if plain := plainReports(changes); plain != nil {
			return s.reportOnce(ctx, plain)
		}
	}
	return s.write(ctx, changes)
}

// plainAdds returns the adds if none has a key of any kind, and all deliveries are plain and not
// too many for one statement; otherwise nil.
func plainAdds(changes []change) (adds []*add) {
	rows := 0
	for _, c := range changes {
		a := c.(*add)
		if rows += len(a.deliveries); rows > together || a.alert.Key != "" || a.alert.AlertKey != "" {
			return nil
		}
		for i := range a.deliveries {
			if !isPlain(&a.deliveries[i]) {
				return nil
			}
		}
		adds = append(adds, a)
	}
	return adds
}

// addOnce inserts alerts and their deliveries in one statement.
func (s *Store) addOnce(ctx context.Context, adds []*add) error {
	return s.db.Once(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, _ := deliveriesOf(adds)
		alerts, deliveries := insertAlerts(t, adds), insertPlain(t, rows)
		return statement{`WITH added AS (` + alerts.text + `) ` + deliveries.text, append(alerts.args, deliveries.args...)}.run(ctx, t)
	})
}

// claimOnce grants a claim. It is idempotent.
func (s *Store) claimOnce(ctx context.Context, c *claim) error {
	var taken []alert.Claim
	if err := s.db.Once(ctx, func(ctx context.Context, t *database.Tx) (err error) {
		taken, err = c.take(ctx, t, c.ids)
		return err
	}); err != nil {
		return err
	}
	if len(taken) < len(c.ids) {
		if err := s.db.Once(ctx, func(ctx context.Context, t *database.Tx) (err error) {
			taken, err = c.held(ctx, t, c.ids)
			return err
		}); err != nil {
			return err
		}
	}
	c.granted = c.granted[:0]
	c.grant(taken)
	return nil
}

// reportOnce records plain reports, and then those whose deliveries are not simple. It is
// idempotent.
func (s *Store) reportOnce(ctx context.Context, plain []entry) error {
	var rest []entry
	if err := s.db.Once(ctx, func(ctx context.Context, t *database.Tx) (err error) {
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
func plainReports(changes []change) []entry {
	calls := make([]*report, len(changes))
	for i, c := range changes {
		calls[i] = c.(*report)
	}
	firsts, again := split(entriesOf(calls))
	if plain, rest := plainOf(firsts); len(again)+len(rest) == 0 {
		return plain
	}
	return nil
}
