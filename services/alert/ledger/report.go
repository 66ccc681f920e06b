package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A pendingReport is one call of Report, with the deliveries that are fenced.
type pendingReport struct {
	reports []dispatch.Report
	now     time.Time
	rule    alert.VerdictRule
	fenced  []int64
}

func (r *pendingReport) rows() int { return len(r.reports) }

// Report records attempts and applies the verdicts to their deliveries. If ctx ends before it
// returns, they may be recorded; reporting them again is safe.
func (s *Store) Report(ctx context.Context, reports []dispatch.Report, now time.Time, rule alert.VerdictRule) ([]int64, error) {
	r := &pendingReport{reports: make([]dispatch.Report, len(reports)), now: now, rule: rule}
	for i, each := range reports {
		if err := checkReport(each); err != nil {
			return nil, fmt.Errorf("report of delivery %d: %w", each.DeliveryID, err)
		}
		each.Outcome.Code = storableText(each.Outcome.Code)
		each.Outcome.MessageID = storableText(each.Outcome.MessageID)
		each.Outcome.Excerpt = storableText(each.Outcome.Excerpt)
		each.Outcome.Destination = storableText(each.Outcome.Destination)
		if each.Outcome.Reference = storableText(each.Outcome.Reference); len(each.Outcome.Reference) > messenger.MaxReference {
			each.Outcome.Reference = ""
		}
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
func checkReport(r dispatch.Report) error {
	switch {
	case r.Outcome.Kind < messenger.Sent || r.Outcome.Kind > messenger.Unknown:
		return fault.Invalidf("kind of the outcome is not set")
	case r.StartTime.IsZero() || r.EndTime.IsZero():
		return fault.Invalidf("start and end time must be set")
	}
	return nil
}

// A reportEntry is one report with its call.
type reportEntry struct {
	*dispatch.Report
	of *pendingReport
}

// idsOf returns the delivery ids of reports.
func idsOf(entries []reportEntry) []int64 {
	ids := make([]int64, len(entries))
	for i, e := range entries {
		ids[i] = e.DeliveryID
	}
	return ids
}

// entriesOf returns the reports of all calls, and resets their fenced deliveries.
func entriesOf(calls []*pendingReport) (entries []reportEntry) {
	for _, call := range calls {
		call.fenced = nil
		for i := range call.reports {
			entries = append(entries, reportEntry{&call.reports[i], call})
		}
	}
	return entries
}

// writeReports records the reports of all calls in rounds. A second report of the same delivery
// is written in the next round, after the first is recorded.
func writeReports(ctx context.Context, t *database.Tx, entries []reportEntry) error {
	for len(entries) > 0 {
		round, rest := splitFirsts(entries)
		if err := writeRound(ctx, t, round); err != nil {
			return err
		}
		entries = rest
	}
	return nil
}

// splitFirsts returns the first report of each delivery, sorted by delivery id, and the other
// reports.
func splitFirsts(entries []reportEntry) (firsts, rest []reportEntry) {
	seen := make(map[int64]bool, len(entries))
	for _, e := range entries {
		if seen[e.DeliveryID] {
			rest = append(rest, e)
			continue
		}
		seen[e.DeliveryID] = true
		firsts = append(firsts, e)
	}
	slices.SortFunc(firsts, func(a, b reportEntry) int { return cmp.Compare(a.DeliveryID, b.DeliveryID) })
	return firsts, rest
}

// writeRound records reports of different deliveries, sorted by delivery id. In PostgreSQL, mixed
// plain and other reports lock all claimed deliveries in that order first.
func writeRound(ctx context.Context, t *database.Tx, round []reportEntry) error {
	plain, rest := splitPlain(round)
	if t.Postgres() && len(plain) > 0 && len(rest) > 0 {
		if err := lockClaimed(ctx, t, round); err != nil {
			return err
		}
	}
	for some := range database.ChunkRows(t, plain, maxStatementRows) {
		more, err := writeSent(ctx, t, some)
		if err != nil {
			return err
		}
		rest = append(rest, more...)
	}
	for some := range database.ChunkRows(t, rest, maxStatementRows) {
		if err := writeRest(ctx, t, some); err != nil {
			return err
		}
	}
	return nil
}

// lockClaimed locks the claimed deliveries of reports.
func lockClaimed(ctx context.Context, t *database.Tx, round []reportEntry) error {
	for some := range database.ChunkRows(t, round, maxStatementRows) {
		in, args := database.In(t, idsOf(some))
		if _, err := t.Exec(ctx, `SELECT id FROM deliveries WHERE id `+in+` AND `+rowClaimed+` ORDER BY id`+forUpdate(t), args...); err != nil {
			return err
		}
	}
	return nil
}

// writeRest records reports of any kind: it locks their claimed deliveries in the order of
// their ids, and writes the transitions of those with the right fencing token.
func writeRest(ctx context.Context, t *database.Tx, round []reportEntry) error {
	in, args := database.In(t, idsOf(round))
	all, err := selectClaimed(ctx, t, `id `+in+` AND `+rowClaimed+` ORDER BY id`+forUpdate(t), args...)
	if err != nil {
		return err
	}
	byID := make(map[int64]claimedRow, len(all))
	for _, c := range all {
		byID[c.id] = c
	}
	transitions := make([]transition, 0, len(round))
	var late []reportEntry
	var now int64
	for _, e := range round {
		now = max(now, micros(e.of.now))
		c, claimed := byID[e.DeliveryID]
		if !claimed || c.fence != e.Fence {
			late = append(late, e)
			continue
		}
		t, err := decide(c, *e.Report, e.of.now, e.of.rule)
		if err != nil {
			return err
		}
		transitions = append(transitions, t)
	}
	if err := writeTransitions(ctx, t, transitions, now); err != nil {
		return err
	}
	return markFenced(ctx, t, late)
}

// markFenced adds late reports to the fenced ones of their calls, unless they are recorded
// already.
func markFenced(ctx context.Context, t *database.Tx, late []reportEntry) error {
	for some := range database.ChunkRows(t, late, maxStatementRows) {
		in, args := database.In(t, idsOf(some))
		recorded, err := selectAttempts(ctx, t, `delivery_id `+in, args...)
		if err != nil {
			return err
		}
		for _, e := range some {
			if !slices.ContainsFunc(recorded, func(a attemptRow) bool { return a == attemptOf(*e.Report, a.number, a.possibleDuplicate) }) {
				e.of.fenced = append(e.of.fenced, e.DeliveryID)
			}
		}
	}
	return nil
}
