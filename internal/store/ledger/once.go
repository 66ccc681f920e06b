package ledger

import (
	"context"

	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// PostgreSQL has each kind of change by itself, and most changes need but one statement,
// which commits by itself: a transaction would wait for the server at its begin, each
// statement and its end, while a busy machine does all else.

// writeOnce writes changes of one kind, by one statement where that does.
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

// plainAdds gives adds none of which has a key of any kind, and all of whose deliveries are plain and
// not too many for one statement; nil where some are not so.
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

// addOnce writes alerts and their deliveries, or nothing.
func (s *Store) addOnce(ctx context.Context, adds []*add) error {
	return s.db.Once(ctx, func(ctx context.Context, t *database.Tx) error {
		rows, _ := deliveriesOf(adds)
		alerts, deliveries := insertAlerts(t, adds), insertPlain(t, rows)
		return statement{`WITH added AS (` + alerts.text + `) ` + deliveries.text, append(alerts.args, deliveries.args...)}.run(ctx, t)
	})
}

// claimOnce grants a claim. To do it again grants the same.
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

// reportOnce records plain reports, and then those whose deliveries are not simple. To do
// it again changes nothing.
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

// plainReports gives the reports of all calls, in the order of their deliveries' ids, where
// all are plain and no two of the same delivery; nil where they are not.
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
