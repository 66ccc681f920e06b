package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A move takes a held delivery to where a verdict says, with the attempt that
// shows why.
type move struct {
	attempt attempt
	chain   int64
	thread  string
	news    *news // where the attempt changed what the thread knows
	verdict alert.Verdict
	reason  string
	end     int64 // set where the verdict is an end
	next    int64 // set where the verdict lets it wait
	tries   int
	sealed  []byte // the credential, for the destination that the outcome names
}

// judge gives the move of a held delivery from a report, by the rule but for what was
// sent. A verdict that its outcome does not bear out is refused.
func judge(h held, r alert.Report, now time.Time, rule alert.Rule) (move, error) {
	m := move{attempt: attemptOf(r, h.attempts, h.possible), chain: h.chain, thread: h.thread, verdict: alert.Verdict{State: alert.Sent}, tries: h.tries, sealed: r.SealedCredential}
	if r.Outcome.Kind != messenger.Sent {
		m.verdict = rule(h.facts(now), r)
		if err := checkVerdict(m.verdict); err != nil {
			return move{}, fmt.Errorf("the rule for delivery %d, where the outcome is %s: %w", h.id, r.Outcome.Kind, err)
		}
	}
	if m.verdict.State == alert.Sent && h.lost != "" && h.lost == r.Outcome.MessageID { // its receipt was quicker
		m.verdict.State, m.verdict.Reason = alert.Failed, alert.Undelivered
	}
	if m.verdict.Counts {
		m.tries++
	}
	if m.verdict.State == alert.Queued {
		m.next = min(micros(m.verdict.NextTime), h.expire)
	} else {
		m.reason, m.end = evidence(m.verdict.Reason), m.attempt.end
	}
	if m.verdict.State == alert.Canceled && h.reason != "" {
		m.reason = h.reason
	}
	m.news = newsOf(h, r.Outcome.Kind, m.verdict.State)
	return m, nil
}

// checkVerdict says what in a verdict on what was not sent would be a lie, or no end at all.
func checkVerdict(v alert.Verdict) error {
	switch {
	case v.State == alert.Sent:
		return errors.New("its state is sent")
	case v.State == alert.Queued && v.NextTime.IsZero():
		return errors.New("it lets the delivery wait and does not say until when")
	case v.State > alert.Sent && v.Reason == "":
		return errors.New("it ends the delivery without a reason")
	case v.State != alert.Queued && (v.State < alert.Sent || v.State > alert.Canceled):
		return fmt.Errorf("its state is %d, which is neither to wait nor an end", v.State)
	}
	return nil
}

// writeMoves records the attempts, moves their deliveries, which are locked, and
// lets their chains and threads go on.
func writeMoves(ctx context.Context, t *database.Tx, moves []move, now int64) error {
	attempts := make([]attempt, 0, len(moves))
	var ends, waits []move
	var doubts []int64
	var steps []step
	var threads []string
	var changed []news
	for _, m := range moves {
		attempts = append(attempts, m.attempt)
		if m.verdict.State == alert.Queued {
			waits = append(waits, m)
		} else {
			ends = append(ends, m)
		}
		if m.attempt.outcome.Kind == messenger.Unknown && !m.verdict.Once {
			doubts = append(doubts, m.attempt.delivery)
		}
		if m.chain != 0 {
			steps = append(steps, step{m.chain, m.verdict.State == alert.Sent})
		}
		if m.thread != "" {
			threads = append(threads, m.thread)
		}
		if m.news != nil {
			changed = append(changed, *m.news)
		}
	}
	if err := insertAttempts(ctx, t, attempts); err != nil {
		return err
	}
	if err := end(ctx, t, ends); err != nil {
		return err
	}
	if err := wait(ctx, t, waits); err != nil {
		return err
	}
	if err := doubt(ctx, t, doubts); err != nil {
		return err
	}
	if err := readdress(ctx, t, waits); err != nil {
		return err
	}
	dismissed, err := advance(ctx, t, steps, now)
	if err != nil {
		return err
	}
	return settle(ctx, t, append(threads, dismissed...), changed, now)
}

// readdress sends deliveries that wait to where their destinations are now, with the
// credentials that are sealed for those. A sender that seals for no destination reports
// none, and then the one that is there stays.
func readdress(ctx context.Context, t *database.Tx, moves []move) error {
	for _, m := range moves { // there are few
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

// end moves deliveries to the states that end them.
func end(ctx context.Context, t *database.Tx, moves []move) error {
	for some := range database.Chunks(t, moves, chunk) {
		args := make([]any, 0, 4*len(some))
		for _, m := range some {
			args = append(args, m.attempt.delivery, int(m.verdict.State), m.reason, m.end)
		}
		rows, args := t.Rows([]string{"bigint", "bigint", "text", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, state, reason, end_time) AS (`+rows+`)
			UPDATE`+orRollback(t)+` deliveries SET state = v.state, reason = v.reason, end_time = v.end_time
			`+fromV, args...); err != nil {
			return err
		}
	}
	return nil
}

// wait lets deliveries wait, each until its time.
func wait(ctx context.Context, t *database.Tx, moves []move) error {
	for some := range database.Chunks(t, moves, chunk) {
		args := make([]any, 0, 3*len(some))
		for _, m := range some {
			args = append(args, m.attempt.delivery, m.next, m.tries)
		}
		rows, args := t.Rows([]string{"bigint", "bigint", "bigint"}, args)
		if _, err := t.Exec(ctx, `WITH v (id, next_time, tries) AS (`+rows+`)
			UPDATE`+orRollback(t)+` deliveries SET state = 1, deferred = true, next_time = v.next_time, tries = v.tries
			`+fromV, args...); err != nil {
			return err
		}
	}
	return nil
}

// doubt makes all later attempts of deliveries possible duplicates.
func doubt(ctx context.Context, t *database.Tx, ids []int64) error {
	for some := range database.Chunks(t, ids, chunk) {
		in, args := database.In(t, some)
		if _, err := t.Exec(ctx, `UPDATE deliveries SET possible_duplicate = true WHERE id `+in, args...); err != nil {
			return err
		}
	}
	return nil
}
