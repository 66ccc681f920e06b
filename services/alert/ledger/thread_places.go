package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A threadPlace is the position of a delivery in its thread.
type threadPlace struct {
	thread   string
	blocked  bool
	canceled string     // the reason for which it is canceled at once; empty if it is not
	settled  *placement // as the settlement of its thread inserts it; nil if that is still to come, or changes nothing

	reference threadReference // of the thread
}

// isFree reports whether a delivery can be claimed at once.
func (p threadPlace) isFree() bool { return !p.blocked && p.canceled == "" && p.settled == nil }

// enterThreads sets the order of alerts with keys, in the order of the calls, the ranks of
// resolved ones, their effects on their incidents, and the places of their deliveries in their
// threads. It returns the changes of other deliveries, which must be written, and the threads that
// must be settled after the deliveries are inserted. Without alert keys it runs no query.
func enterThreads(ctx context.Context, t *database.Tx, adds []*pendingAdd, now int64) (s settlement, unsettled []string, err error) {
	var keyed []*pendingAdd
	for _, a := range adds {
		if a.alert.AlertKey != "" {
			a.places = make([]threadPlace, len(a.deliveries))
			keyed = append(keyed, a)
		}
	}
	if len(keyed) == 0 {
		return s, nil, nil
	}
	if err := enterKeys(ctx, t, keyed); err != nil {
		return s, nil, err
	}
	threads, err := enterRows(ctx, t, keyed)
	if err != nil {
		return s, nil, err
	}
	var known []string
	for name, th := range threads {
		if !th.isNew() {
			known = append(known, name)
		}
	}
	slices.Sort(known)
	open, err := selectOpenRows(ctx, t, known)
	if err != nil {
		return s, nil, err
	}
	e := threadEntrance{threads: threads, open: open, pending: map[string][]pendingRow{}, unsettled: map[string]bool{}}
	for _, a := range keyed {
		e.place(a)
	}
	unsettled, err = e.settle(ctx, t, &s, now)
	return s, unsettled, err
}

// isForNotified reports whether an alert goes only to threads that were notified.
func (a *pendingAdd) isForNotified() bool { return a.alert.Resolved || a.alert.Acknowledged }

// cancelRepeats cancels the deliveries of a repeat to addresses that were notified of the state
// that it repeats, with the others of their chains.
func (a *pendingAdd) cancelRepeats(threads map[string]thread) {
	if !a.alert.Repeat || a.alert.Silence != 0 {
		return
	}
	chains := map[int64]bool{}
	for i := range a.places {
		p := &a.places[i]
		if th := threads[p.thread]; p.thread != "" && th.isNotifiedOf(a.update) {
			p.canceled = alert.Repeated
			chains[a.deliveries[i].Chain] = true
		}
	}
	delete(chains, 0)
	for i := range a.places {
		if p := &a.places[i]; p.thread != "" && chains[a.deliveries[i].Chain] {
			p.canceled = alert.Repeated
		}
	}
}

// threadKind returns the kind of the deliveries of an alert in their threads.
func (a *pendingAdd) threadKind() threadKind {
	switch {
	case a.alert.Repeat:
		return repeatKind
	case a.alert.Acknowledged:
		return acknowledgmentKind
	}
	return updateKind
}

// apply sets the state of the delivery that its place in the thread requires, and its previous
// message.
func (p threadPlace) apply(a *alert.Alert, d *alert.Delivery) {
	switch {
	case p.canceled != "":
		d.State, d.Reason, d.EndTime = alert.Canceled, p.canceled, a.CreateTime
		d.Hold, d.NextTime = alert.HoldNone, time.Time{}
	case p.blocked:
		d.State = alert.Held
	}
	d.Previous = p.reference.previous(a.Incident, d.Destination)
}
