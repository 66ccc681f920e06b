package ledger

import (
	"context"
	"maps"
	"slices"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A threadEntrance places the deliveries of alerts in their threads, in the order of the alerts.
type threadEntrance struct {
	threads   map[string]thread
	open      map[string][]threadRow  // the stored deliveries that are not completed, by thread
	pending   map[string][]pendingRow // those to insert that are not completed, by thread
	unsettled map[string]bool
}

// A pendingRow is a delivery to insert.
type pendingRow struct {
	deliveryRow
	place *threadPlace
}

// place sets the places of the deliveries of an alert.
func (e *threadEntrance) place(a *pendingAdd) {
	a.cancelRepeats(e.threads)
	for i := range a.places {
		p, d := &a.places[i], &a.deliveries[i]
		th := e.threads[p.thread]
		p.reference = th.reference
		switch {
		case p.thread == "" || p.canceled != "" || d.State.IsFinal():
			continue
		case a.idle:
			p.canceled = alert.NotNeeded
			continue
		case len(e.open[p.thread])+len(e.pending[p.thread]) > 0:
			p.blocked = true
			e.unsettled[p.thread] = true
		case a.isForNotified() && !th.notified:
			p.canceled = alert.NotNeeded
			continue
		}
		e.pending[p.thread] = append(e.pending[p.thread], pendingRow{deliveryRow{a, d, *p}, p})
	}
}

// settle settles the unsettled threads as settleThreads does after their deliveries are inserted,
// but sets the places of those, and adds the changes of stored ones to s. It returns the threads
// with deliveries in failover chains, which it leaves: their settlement may cancel others of the chains.
func (e *threadEntrance) settle(ctx context.Context, t *database.Tx, s *settlement, now int64) (rest []string, err error) {
	var stored []threadRow
	var names []string
	for _, name := range slices.Sorted(maps.Keys(e.unsettled)) {
		if e.isChained(name) {
			rest = append(rest, name)
			continue
		}
		names, stored = append(names, name), append(stored, e.open[name]...)
	}
	possiblySent, err := selectPossiblySent(ctx, t, stored)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var of settlement
		rows := e.open[name]
		for _, p := range e.pending[name] {
			rows = append(rows, p.threadRow())
		}
		of.settle(e.threads[name], rows, possiblySent)
		of.apply(e.pending[name], now)
		s.add(of)
	}
	return rest, nil
}

// isChained reports whether a thread has deliveries in failover chains.
func (e *threadEntrance) isChained(name string) bool {
	return slices.ContainsFunc(e.open[name], func(r threadRow) bool { return r.chain != 0 }) ||
		slices.ContainsFunc(e.pending[name], func(p pendingRow) bool { return p.Chain != 0 })
}

// threadRow returns the delivery as a row of its thread.
func (p pendingRow) threadRow() threadRow {
	row := p.placement()
	return threadRow{
		id: p.ID, order: p.order, chain: p.Chain, thread: p.thread, resolves: p.alert.Resolved, deferred: row.deferred, state: row.state,
		next: row.next, resume: row.resume, callback: p.callback, kind: p.threadKind(), hold: p.Hold,
	}
}
