package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A report is one call of Report, and what it is told.
type report struct {
	reports []alert.Report
	fenced  []int64
}

func (r *report) rows() int { return len(r.reports) }

// Report records attempts and moves their deliveries on. Where ctx ends before
// it returns, they may be recorded; to report them again is safe.
func (s *Store) Report(ctx context.Context, reports []alert.Report) ([]int64, error) {
	r := &report{reports: make([]alert.Report, len(reports))}
	for i, each := range reports {
		if err := checkReport(each); err != nil {
			return nil, fmt.Errorf("report of delivery %d: %w", each.DeliveryID, err)
		}
		each.Reason = evidence(each.Reason)
		each.Outcome.Code = evidence(each.Outcome.Code)
		each.Outcome.MessageID = evidence(each.Outcome.MessageID)
		each.Outcome.Excerpt = evidence(each.Outcome.Excerpt)
		each.Outcome.After = 0
		r.reports[i] = each
	}
	if len(reports) == 0 {
		return nil, nil
	}
	if err := s.reports.do(ctx, r); err != nil {
		return nil, err
	}
	return r.fenced, nil
}

// checkReport refuses what would be a lie.
func checkReport(r alert.Report) error {
	switch {
	case r.Outcome.Kind < messenger.Sent || r.Outcome.Kind > messenger.Unknown:
		return fmt.Errorf("the kind of its outcome is not set: %w", fault.ErrInvalid)
	case r.State != alert.Sent && r.State != alert.Failed:
		return fmt.Errorf("its state must be sent or failed: %w", fault.ErrInvalid)
	case (r.State == alert.Sent) != (r.Outcome.Kind == messenger.Sent):
		return fmt.Errorf("its outcome is %s and its state is not: %w", r.Outcome.Kind, fault.ErrInvalid)
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

// writeReports records the reports of all calls together. A delivery that is
// reported twice comes again in the next round, after the first is recorded.
func writeReports(ctx context.Context, t *database.Tx, calls []*report) error {
	var entries []entry
	for _, call := range calls {
		call.fenced = nil
		for i := range call.reports {
			entries = append(entries, entry{&call.reports[i], call})
		}
	}
	for len(entries) > 0 {
		round, again := split(entries)
		for some := range database.Chunks(round, chunk) {
			if err := writeRound(ctx, t, some); err != nil {
				return err
			}
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

// A held delivery is claimed.
type held struct {
	id       int64
	fence    int64
	attempts int
	possible bool
}

// writeRound records reports of as many deliveries: it locks those that are
// claimed in the order of their ids, and moves on those whose fence is right.
func writeRound(ctx context.Context, t *database.Tx, round []entry) error {
	ids := make([]int64, len(round))
	for i, e := range round {
		ids[i] = e.DeliveryID
	}
	all, err := database.Select(ctx, t, func(rows *sql.Rows, h *held) error {
		return rows.Scan(&h.id, &h.fence, &h.attempts, &h.possible)
	}, `SELECT id, fence, attempt_count, possible_duplicate FROM deliveries
		WHERE id IN (`+database.List("?", len(ids))+`) AND state = 2 ORDER BY id`+forUpdate(t), anys(ids)...)
	if err != nil {
		return err
	}
	byID := make(map[int64]held, len(all))
	for _, h := range all {
		byID[h.id] = h
	}
	var attempts []attempt
	var right, late []entry
	for _, e := range round {
		h, claimed := byID[e.DeliveryID]
		if !claimed || h.fence != e.Fence {
			late = append(late, e)
			continue
		}
		right = append(right, e)
		attempts = append(attempts, e.attempt(h.attempts, h.possible))
	}
	if err := insertAttempts(ctx, t, attempts); err != nil {
		return err
	}
	if err := end(ctx, t, right); err != nil {
		return err
	}
	return fence(ctx, t, late)
}

// attempt is the row that the report makes.
func (e entry) attempt(number int, possible bool) attempt {
	return attempt{
		delivery: e.DeliveryID, number: number, fence: e.Fence, start: micros(e.StartTime), end: micros(e.EndTime),
		outcome: e.Outcome, possible: possible,
	}
}

// end moves deliveries to the state that their reports say.
func end(ctx context.Context, t *database.Tx, entries []entry) error {
	for some := range database.Chunks(entries, chunk) {
		args := make([]any, 0, 4*len(some))
		for _, e := range some {
			args = append(args, e.DeliveryID, int(e.State), e.Reason, micros(e.EndTime))
		}
		if _, err := t.Exec(ctx, `WITH v (id, state, reason, end_time) AS (VALUES `+
			database.List("(CAST(? AS BIGINT), CAST(? AS INTEGER), CAST(? AS TEXT), CAST(? AS BIGINT))", len(some))+`)
			UPDATE deliveries SET state = v.state, reason = v.reason, end_time = v.end_time
			FROM v WHERE deliveries.id = v.id`, args...); err != nil {
			return err
		}
	}
	return nil
}

// fence tells the callers which reports came too late, but for those that are
// recorded already.
func fence(ctx context.Context, t *database.Tx, late []entry) error {
	for some := range database.Chunks(late, chunk) {
		ids := make([]int64, len(some))
		for i, e := range some {
			ids[i] = e.DeliveryID
		}
		recorded, err := selectAttempts(ctx, t, `delivery_id IN (`+database.List("?", len(ids))+`)`, anys(ids)...)
		if err != nil {
			return err
		}
		for _, e := range some {
			if !slices.ContainsFunc(recorded, func(a attempt) bool { return a == e.attempt(a.number, a.possible) }) {
				e.of.fenced = append(e.of.fenced, e.DeliveryID)
			}
		}
	}
	return nil
}
