package ledger

import (
	"context"

	"github.com/bongsu-project/bongsu/services/alert"
)

// pendingAdds are the adds of one call, which are written in one transaction, in their order.
type pendingAdds []*pendingAdd

func (all pendingAdds) rows() (n int) {
	for _, a := range all {
		n += a.rows()
	}
	return n
}

// AddAlerts records alerts with their deliveries, whose ids follow those of their alerts. It
// takes one commit, which it shares with concurrent calls. If ctx ends before it returns, they
// may be recorded nevertheless.
func (s *Store) AddAlerts(ctx context.Context, adds []alert.Addition) ([]alert.AddResult, error) {
	results := make([]alert.AddResult, len(adds))
	valid, rows := 0, 0
	for i, a := range adds {
		if results[i].Err = checkAdd(a.Alert, a.Deliveries); results[i].Err == nil {
			valid++
			rows += 1 + len(a.Deliveries)
		}
	}
	if valid == 0 {
		return results, nil
	}
	id, err := s.ids.take(ctx, rows)
	if err != nil {
		return nil, err
	}
	mine := make(pendingAdds, 0, valid)
	for i, a := range adds {
		if results[i].Err == nil {
			next := newPendingAdd(id, a.Alert, a.Deliveries, a.Retry)
			next.keepChanged = a.KeepChanged
			mine = append(mine, next)
			id += int64(next.rows())
		}
	}
	if err := s.adds.Do(ctx, mine); err != nil {
		return nil, err
	}
	return results, s.setResults(ctx, mine, results)
}

// setResults sets the results without an error to those of adds, in their order. The alerts
// that were recorded before are read together.
func (s *Store) setResults(ctx context.Context, adds pendingAdds, results []alert.AddResult) error {
	var holders []int64
	for _, a := range adds {
		if a.holder != 0 && a.same {
			holders = append(holders, a.holder)
		}
	}
	found, err := s.readAlerts(ctx, holders)
	if err != nil {
		return err
	}
	for i := range results {
		r := &results[i]
		if r.Err != nil {
			continue
		}
		a := adds[0]
		adds = adds[1:]
		if a.unknownCallback {
			r.Err = errUnknownCallback(a.alert.Callback)
			continue
		}
		if r.Changed = a.changed; a.holder == 0 {
			r.Added = a.recorded()
			continue
		}
		r.Added, r.Err = a.duplicateOf(found[a.holder])
	}
	return nil
}
