package event

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Handling is the result of handling an event.
type Handling string

// The ways in which events are handled. An event has the first that applies.
const (
	DeadLettered Handling = "dead_letter"  // a rule failed for it, or it cannot be read
	Notified     Handling = "notified"     // an alert was recorded, or waits for its batch
	Repeat       Handling = "repeated"     // it was handled before
	NoOne        Handling = "no_recipient" // its alerts name nobody with an address
	NoRule       Handling = "no_rule"      // no rule matches
)

// internalFailure is the reason of a dead letter whose alert was never sent, though the alert
// service was there.
const internalFailure = "alert service: internal error"

// A Reading is an event to handle, or a message that is none.
type Reading struct {
	Event Event
	// Data is the message if it is no event, and Problem says why.
	Data    []byte
	Problem string
	// Rule limits the handling to one rule; empty for all.
	Rule string
}

// A Processor handles events: it applies the rules, and records the alerts. It is safe for
// concurrent use.
type Processor struct {
	Rules       Rules
	Batches     Batches
	Alerts      Alerts
	DeadLetters DeadLetters
	Now         func() time.Time
	Log         *slog.Logger
}

// Process handles events, and returns what became of each. It returns when everything is
// recorded: alerts, batches and dead letters. Then the events can be acked; handled again,
// they notify nobody twice.
//
// It returns an error if something could not be recorded, fault.ErrUnavailable if that has
// nothing to do with the events: all of them are to be handled again. If last is set, events
// whose alerts fail otherwise become dead letters instead.
func (p *Processor) Process(ctx context.Context, readings []Reading, last bool) ([]Handling, error) {
	work := &processing{Processor: p, readings: readings, handled: make([]Handling, len(readings)), now: p.Now()}
	for i := range readings {
		work.plan(ctx, i)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := work.send(ctx, last); err != nil {
		return nil, err
	}
	if err := work.bury(ctx); err != nil {
		return nil, err
	}
	return work.handled, nil
}

// Refuse records the events of batched alerts as dead letters of their rule. It can be called
// again for the same events.
func (p *Processor) Refuse(ctx context.Context, alerts []BatchedAlert, reason string) error {
	work := &processing{Processor: p, now: p.Now()}
	for i, a := range alerts {
		work.readings, work.handled = append(work.readings, Reading{Event: a.Event}), append(work.handled, "")
		work.fail(i, a.Alert.Rule, reason)
	}
	return work.bury(ctx)
}

// A processing is one call to Process.
type processing struct {
	*Processor
	readings []Reading
	handled  []Handling
	now      time.Time

	batched []BatchedAlert
	alerts  []KeyedAlert
	from    []int // the reading of each alert
	letters []DeadLetter
}

// rank orders the ways in which an event is handled: one way replaces those of lower rank.
var rank = map[Handling]int{"": -1, NoRule: 0, NoOne: 1, Repeat: 2, Notified: 3, DeadLettered: 4}

func (w *processing) note(i int, h Handling) {
	if rank[h] > rank[w.handled[i]] {
		w.handled[i] = h
	}
}

// plan applies the rules to an event.
func (w *processing) plan(ctx context.Context, i int) {
	r := w.readings[i]
	w.note(i, NoRule)
	if r.Problem != "" {
		w.letters = append(w.letters, DeadLetter{
			Key: hashOf("no event", string(r.Data)), Event: r.Data, Reason: reasonOf(r.Problem), CreateTime: w.now,
		})
		w.note(i, DeadLettered)
		return
	}
	alerts, failures := w.Rules.Apply(ctx, r.Event)
	for _, a := range alerts {
		if r.Rule != "" && a.Rule != r.Rule {
			continue
		}
		switch key := alertKey(r.Event, a); {
		case len(a.Targets) == 0:
			w.note(i, NoOne)
		case a.Batch != nil:
			w.batched = append(w.batched, BatchedAlert{Key: key, Event: r.Event, Alert: a})
			w.note(i, Notified)
		default:
			w.alerts, w.from = append(w.alerts, KeyedAlert{Key: key, Alert: a}), append(w.from, i)
		}
	}
	for _, f := range failures {
		if r.Rule == "" || f.Rule == r.Rule {
			w.fail(i, f.Rule, f.Reason)
		}
	}
}

// fail adds the dead letter of a rule.
func (w *processing) fail(i int, rule, reason string) {
	e := w.readings[i].Event
	data, err := e.structured()
	if err != nil { // impossible: the data of an event is JSON
		data, reason = e.Data, err.Error()
	}
	w.letters = append(w.letters, DeadLetter{Key: letterKey(e, rule), Event: data, Rule: rule, Reason: reasonOf(reason), CreateTime: w.now})
	w.note(i, DeadLettered)
}

// send stores the batched alerts, and records the others.
func (w *processing) send(ctx context.Context, last bool) error {
	if len(w.batched) > 0 {
		if err := w.Batches.AddToBatches(ctx, w.batched); err != nil {
			return fault.Unavailablef("store batched alerts: %w", err)
		}
	}
	if len(w.alerts) == 0 {
		return nil
	}
	results, err := w.Alerts.SendAlerts(ctx, w.alerts)
	if err != nil {
		if !last || errors.Is(err, fault.ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		w.Log.Error("alerts of an event failed repeatedly, it becomes a dead letter", "error", err)
		for n := range w.alerts {
			w.fail(w.from[n], w.alerts[n].Alert.Rule, internalFailure)
		}
		return nil
	}
	for n, r := range results {
		switch i := w.from[n]; r.Outcome {
		case Recorded:
			w.note(i, Notified)
		case Repeated:
			w.note(i, Repeat)
		case NoRecipient:
			w.note(i, NoOne)
		case Refused:
			w.fail(i, w.alerts[n].Alert.Rule, "alert refused: "+r.Reason)
		}
	}
	return nil
}

// bury stores the dead letters.
func (w *processing) bury(ctx context.Context) error {
	if len(w.letters) == 0 {
		return nil
	}
	unique := w.letters[:0:0]
	index := map[string]bool{}
	for _, l := range w.letters {
		if !index[l.Key] { // several alerts of a rule
			index[l.Key], unique = true, append(unique, l)
		}
	}
	if err := w.DeadLetters.AddDeadLetters(ctx, unique); err != nil {
		return fault.Unavailablef("store dead letters: %w", err)
	}
	first := unique[0]
	w.Log.Warn("events became dead letters; see `bongsu dead-letter list`", "count", len(unique), "rule", first.Rule, "reason", first.Reason)
	return nil
}
