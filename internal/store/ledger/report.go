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

// A report is one call of Report, and what it is told.
type report struct {
	reports []alert.Report
	now     time.Time
	rule    alert.Rule
	fenced  []int64
}

func (r *report) rows() int { return len(r.reports) }

// Report records attempts and moves their deliveries on. Where ctx ends before
// it returns, they may be recorded; to report them again is safe.
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

// checkReport refuses what is no report.
func checkReport(r alert.Report) error {
	switch {
	case r.Outcome.Kind < messenger.Sent || r.Outcome.Kind > messenger.Unknown:
		return fmt.Errorf("the kind of its outcome is not set: %w", fault.ErrInvalid)
	case r.StartTime.IsZero() || r.EndTime.IsZero():
		return fmt.Errorf("start and end time must be set: %w", fault.ErrInvalid)
	}
	return nil
}

// An entry is one report beside its call.
type entry struct {
	*alert.Report
	of *report
}

// idsOf gives the deliveries of reports.
func idsOf(entries []entry) []int64 {
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.DeliveryID
	}
	return ids
}

// entriesOf gives the reports of all calls, none of which was told anything yet.
func entriesOf(calls []*report) (entries []entry) {
	for _, call := range calls {
		call.fenced = nil
		for i := range call.reports {
			entries = append(entries, entry{&call.reports[i], call})
		}
	}
	return entries
}

// writeReports records the reports of all calls together. A delivery that is
// reported twice comes again in the next round, after the first is recorded.
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

// split gives the first report of each delivery by id, and those that are left.
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

// writeRound records reports of as many deliveries, in the order of their ids. Where
// they are not all alike, all that are claimed are locked in that order first.
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

// lockClaimed locks the deliveries of reports that are claimed.
func lockClaimed(ctx context.Context, t *database.Tx, round []entry) error {
	for some := range database.Chunks(t, round, chunk) {
		in, args := database.In(t, idsOf(some))
		if _, err := t.Exec(ctx, `SELECT id FROM deliveries WHERE id `+in+` AND state + 0 = 2 ORDER BY id`+forUpdate(t), args...); err != nil {
			return err
		}
	}
	return nil
}

// writeRest records reports of any kind: it locks their deliveries that are claimed in
// the order of their ids, and moves on those whose fence is right. For state + 0 see
// claim.write.
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

// fence tells the callers which reports came too late, but for those that are
// recorded already.
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
