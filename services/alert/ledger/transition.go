package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A transition is the change of a claimed delivery to the state of a verdict, with the attempt
// that is its evidence.
type transition struct {
	attempt  attemptRow
	alert    int64
	chain    int64
	thread   string
	callback int64         // the id of its callback endpoint; 0 for none
	change   *threadChange // of the thread by the attempt; nil for none
	verdict  alert.Verdict
	reason   string
	end      int64 // set if the verdict is a final state
	next     int64 // set if the verdict is Queued
	tries    int
	sealed   []byte // the credential sealed for the destination of the outcome
}

// decide returns the transition of a claimed delivery for a report. A sent outcome needs no
// verdict of the rule. A verdict that contradicts the outcome is an error.
func decide(c claimedRow, r dispatch.Report, now time.Time, rule alert.VerdictRule) (transition, error) {
	t := transition{attempt: attemptOf(r, c.attempts, c.possibleDuplicate), alert: c.alert, chain: c.chain, thread: c.thread, callback: c.callback, verdict: alert.Verdict{State: alert.Sent}, tries: c.tries, sealed: r.SealedCredential}
	if r.Outcome.Kind != messenger.Sent {
		t.verdict = rule(c.verdictFacts(now), r)
		if err := checkVerdict(t.verdict); err != nil {
			return transition{}, fmt.Errorf("invalid verdict for delivery %d with outcome %s: %w", c.id, r.Outcome.Kind, err)
		}
	}
	if t.verdict.State == alert.Sent && c.undeliveredMessage != "" && c.undeliveredMessage == r.Outcome.MessageID { // its receipt arrived before the report
		t.verdict.State, t.verdict.Reason = alert.Failed, alert.Undelivered
	}
	if t.verdict.CountsAsTry {
		t.tries++
	}
	if t.verdict.State == alert.Queued {
		t.next = min(micros(t.verdict.NextTime), c.expire)
	} else {
		t.reason, t.end = storableText(t.verdict.Reason), t.attempt.end
	}
	if t.verdict.State == alert.Canceled && c.reason != "" {
		t.reason = c.reason
	}
	t.change = threadChangeOf(c, r.Outcome, t.verdict.State)
	return t, nil
}

// checkVerdict returns an error for a verdict that is invalid for an outcome other than sent.
func checkVerdict(v alert.Verdict) error {
	switch {
	case v.State == alert.Sent:
		return errors.New("state is sent without a sent outcome")
	case v.State == alert.Queued && v.NextTime.IsZero():
		return errors.New("state is queued without a next time")
	case v.State > alert.Sent && v.Reason == "":
		return errors.New("final state without a reason")
	case v.State != alert.Queued && (v.State < alert.Sent || v.State > alert.Canceled):
		return fmt.Errorf("state %d is neither queued nor final", v.State)
	}
	return nil
}

// writeTransitions records the attempts, moves their locked deliveries to their new states, and
// advances their chains and threads.
func writeTransitions(ctx context.Context, t *database.Tx, transitions []transition, now int64) error {
	attempts := make([]attemptRow, 0, len(transitions))
	var ends, waits []transition
	var unknown []int64
	var steps []chainStep
	var threads []string
	var changed []*threadChange
	var ended []reportedDelivery
	for _, t := range transitions {
		attempts = append(attempts, t.attempt)
		if t.verdict.State == alert.Queued {
			waits = append(waits, t)
		} else {
			ends = append(ends, t)
			ended = append(ended, reportedDelivery{t.attempt.delivery, t.callback})
		}
		if t.attempt.outcome.Kind == messenger.Unknown && !t.verdict.ProviderDeduplicates {
			unknown = append(unknown, t.attempt.delivery)
		}
		if t.chain != 0 {
			steps = append(steps, chainStep{t.chain, t.verdict.State == alert.Sent})
		}
		if t.thread != "" {
			threads = append(threads, t.thread)
		}
		if t.change != nil {
			changed = append(changed, t.change)
		}
	}
	if err := setIncidents(ctx, t, transitions); err != nil {
		return err
	}
	if err := insertAttempts(ctx, t, attempts); err != nil {
		return err
	}
	if err := writeEnds(ctx, t, ends); err != nil {
		return err
	}
	if err := reportEnds(ctx, t, ended, now); err != nil {
		return err
	}
	if err := writeWaits(ctx, t, waits); err != nil {
		return err
	}
	if err := markPossibleDuplicates(ctx, t, unknown); err != nil {
		return err
	}
	if err := moveDestinations(ctx, t, waits); err != nil {
		return err
	}
	canceled, err := advanceChains(ctx, t, steps, now)
	if err != nil {
		return err
	}
	return settleThreads(ctx, t, append(threads, canceled...), changed, now)
}

// setIncidents sets the incidents of the references in transitions.
func setIncidents(ctx context.Context, t *database.Tx, transitions []transition) error {
	var alerts []int64
	for _, t := range transitions {
		if t.change != nil && t.change.reference != nil && t.change.reference.text != "" {
			alerts = append(alerts, t.alert)
		}
	}
	if len(alerts) == 0 {
		return nil
	}
	found, err := selectAlerts(ctx, t, inOrder(alerts))
	if err != nil {
		return err
	}
	for _, t := range transitions {
		if t.change != nil && t.change.reference != nil && t.change.reference.text != "" {
			t.change.reference.incident = found[t.alert].Incident
		}
	}
	return nil
}

// moveDestinations changes the destinations of queued deliveries to those that the provider
// returned, with the credentials sealed for them. An older sender, which seals credentials for no
// destination, reports none, and the stored credential stays.
func moveDestinations(ctx context.Context, t *database.Tx, transitions []transition) error {
	for _, m := range transitions { // few deliveries move
		if m.attempt.outcome.Destination == "" {
			continue
		}
		set, args := ``, []any{m.attempt.outcome.Destination}
		if len(m.sealed) > 0 {
			set, args = `, credential = ?`, append(args, m.sealed)
		}
		if _, err := t.Exec(ctx, `UPDATE deliveries SET destination = ?, slots = ''`+set+` WHERE id = ?`, append(args, m.attempt.delivery)...); err != nil {
			return err
		}
	}
	return nil
}

// writeEnds writes deliveries that move to a final state.
func writeEnds(ctx context.Context, t *database.Tx, transitions []transition) error {
	for some := range database.ChunkRows(t, transitions, maxStatementRows) {
		args := make([]any, 0, 4*len(some))
		for _, t := range some {
			args = append(args, t.attempt.delivery, int(t.verdict.State), t.reason, t.end)
		}
		rows, args := t.ValueRows([]string{"bigint", "bigint", "text", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, state, reason, end_time) AS (`+rows+`)
			UPDATE`+orRollback(t)+` deliveries SET state = v.state, reason = v.reason, end_time = v.end_time
			`+joinValues, args...); err != nil {
			return err
		}
	}
	return nil
}

// writeWaits writes deliveries that move to Queued, each with its next time.
func writeWaits(ctx context.Context, t *database.Tx, transitions []transition) error {
	for some := range database.ChunkRows(t, transitions, maxStatementRows) {
		args := make([]any, 0, 3*len(some))
		for _, t := range some {
			args = append(args, t.attempt.delivery, t.next, t.tries)
		}
		rows, args := t.ValueRows([]string{"bigint", "bigint", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, next_time, tries) AS (`+rows+`)
			UPDATE`+orRollback(t)+` deliveries SET state = `+sqlQueued+`, deferred = true, next_time = v.next_time, tries = v.tries
			`+joinValues, args...); err != nil {
			return err
		}
	}
	return nil
}

// markPossibleDuplicates marks all later attempts of deliveries as possible duplicates.
func markPossibleDuplicates(ctx context.Context, t *database.Tx, ids []int64) error {
	for some := range database.ChunkRows(t, ids, maxStatementRows) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `UPDATE deliveries SET possible_duplicate = true WHERE id `+in, args...); err != nil {
			return err
		}
	}
	return nil
}
