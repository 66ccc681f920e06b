package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A report is one call of Report, with the deliveries that are fenced.
type report struct {
	reports []alert.Report
	now     time.Time
	rule    alert.Rule
	fenced  []int64
}

func (r *report) rows() int { return len(r.reports) }

// Report records attempts and moves their deliveries on. When ctx ends before it returns, they
// may be recorded; reporting them again is safe.
func (s *Store) Report(ctx context.Context, reports []alert.Report, now time.Time, rule alert.Rule) ([]int64, error) {
	r := &report{reports: make([]alert.Report, len(reports)), now: now, rule: rule}
	for i, each := range reports {
		if err := checkReport(each); err != nil {
			return nil, fmt.Errorf("report of delivery %d: %w", each.DeliveryID, err)
		}
		each.Outcome.Code = evidence(each.Outcome.Code)
		each.Outcome.MessageID = evidence(each.Outcome.MessageID)
		each.Outcome.Excerpt = evidence(each.Outcome.Excerpt)
		each.Outcome.Destination = evidence(each.Outcome.Destination)
		r.reports[i] = each
	}
	if len(reports) == 0 {
		return nil, nil
	}
	if err := s.reports.Do(ctx, r); err != nil {
		return nil, err
	}
	return r.fenced, nil
}

// checkReport returns an error for an invalid report.
func checkReport(r alert.Report) error {
	switch {
	case r.Outcome.Kind < messenger.Sent || r.Outcome.Kind > messenger.Unknown:
		return fmt.Errorf("kind of the outcome is not set: %w", fault.ErrInvalid)
	case r.StartTime.IsZero() || r.EndTime.IsZero():
		return fmt.Errorf("start and end time must be set: %w", fault.ErrInvalid)
	}
	return nil
}

// An entry is one report with its call.
type entry struct {
	*alert.Report
	of *report
}

// idsOf returns the delivery ids of reports.
func idsOf(entries []entry) []int64 {
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.DeliveryID
	}
	return ids
}

// entriesOf returns the reports of all calls, and resets their fenced deliveries.
func entriesOf(calls []*report) (entries []entry) {
	for _, call := range calls {
		call.fenced = nil
		for i := range call.reports {
			entries = append(entries, entry{&call.reports[i], call})
		}
	}
	return entries
}

// writeReports records the reports of all calls in rounds. A second report of the same delivery
// is written in the next round, after the first is recorded.
func writeReports(ctx context.Context, t *database.Tx, entries []entry) error {
	for len(entries) > 0 {
		round, again := split(entries)
		if err := writeRound(ctx, t, round); err != nil {
			return err
		}
		entries = again
	}
	return nil
}

// split returns the first report of each delivery, sorted by delivery id, and the other reports.
func split(entries []entry) (firsts, rest []entry) {
	seen := make(map[int64]bool, len(entries))
	for _, e := range entries {
		if seen[e.DeliveryID] {
			rest = append(rest, e)
			continue
		}
		seen[e.DeliveryID] = true
		firsts = append(firsts, e)
	}
	slices.SortFunc(firsts, func(a, b entry) int { return cmp.Compare(a.DeliveryID, b.DeliveryID) })
	return firsts, rest
}

// writeRound records reports of different deliveries, sorted by delivery id. In PostgreSQL, mixed
// plain and other reports lock all claimed deliveries in that order first.
func writeRound(ctx context.Context, t *database.Tx, round []entry) error {
	plain, rest := plainOf(round)
	if t.Postgres() && len(plain) > 0 && len(rest) > 0 {
		if err := lockClaimed(ctx, t, round); err != nil {
			return err
		}
	}
	for some := range database.Chunks(t, plain, chunk) {
		more, err := writeSent(ctx, t, some)
		if err != nil {
			return err
		}
		rest = append(rest, more...)
	}
	for some := range database.Chunks(t, rest, chunk) {
		if err := writeRest(ctx, t, some); err != nil {
			return err
		}
	}
	return nil
}

// lockClaimed locks the claimed deliveries of reports.
func lockClaimed(ctx context.Context, t *database.Tx, round []entry) error {
	for some := range database.Chunks(t, round, chunk) {
		in, args := database.In(t, idsOf(some))
		if _, err := t.Exec(ctx, `SELECT id FROM deliveries WHERE id `+in+` AND state + 0 = 2 ORDER BY id`+forUpdate(t), args...); err != nil {
			return err
		}
	}
	return nil
}

// writeRest records reports of any kind: it locks their claimed deliveries in the order of their
// ids, and moves those with the right fencing token. state + 0 avoids the indexes by state.
func writeRest(ctx context.Context, t *database.Tx, round []entry) error {
	in, args := database.In(t, idsOf(round))
	all, err := selectHeld(ctx, t, `id `+in+` AND state + 0 = 2 ORDER BY id`+forUpdate(t), args...)
	if err != nil {
		return err
	}
	byID := make(map[int64]held, len(all))
	for _, h := range all {
		byID[h.id] = h
	}
	moves := make([]move, 0, len(round))
	var late []entry
	var now int64
	for _, e := range round {
		now = max(now, micros(e.of.now))
		h, claimed := byID[e.DeliveryID]
		if !claimed || h.fence != e.Fence {
			late = append(late, e)
			continue
		}
		m, err := judge(h, *e.Report, e.of.now, e.of.rule)
		if err != nil {
			return err
		}
		moves = append(moves, m)
	}
	if err := writeMoves(ctx, t, moves, now); err != nil {
		return err
	}
	return fence(ctx, t, late)
}

// fence adds late reports to the fenced ones of their calls, unless they are recorded already.
func fence(ctx context.Context, t *database.Tx, late []entry) error {
	for some := range database.Chunks(t, late, chunk) {
		in, args := database.In(t, idsOf(some))
		recorded, err := selectAttempts(ctx, t, `delivery_id `+in, args...)
		if err != nil {
			return err
		}
		for _, e := range some {
			if !slices.ContainsFunc(recorded, func(a attempt) bool { return a == attemptOf(*e.Report, a.number, a.possible) }) {
				e.of.fenced = append(e.of.fenced, e.DeliveryID)
			}
		}
	}
	return nil
}
