package alert

import (
	"context"
	"strconv"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// SendAlerts records alerts and returns a result for each.
func (h *Handler) SendAlerts(ctx context.Context, req *alertv1.SendAlertsRequest) (*alertv1.SendAlertsResponse, error) {
	b := &batch{Handler: h, scope: callerScope(ctx), now: h.Now(), keyOf: positionKeys(req.GetIdempotencyKey())}
	results, err := b.send(ctx, req.GetAlerts())
	if err != nil {
		return nil, err
	}
	res := &alertv1.SendAlertsResponse{Results: make([]*alertv1.SendAlertsResult, 0, len(results))}
	for i := range results {
		res.Results = append(res.Results, results[i].toAlertWire())
	}
	return res, nil
}

// positionKeys returns the idempotency keys of alerts without one: those of a request with a
// key are that key and their position. None equals a key that a caller can send, as these
// hold no separator.
func positionKeys(key string) func(i int) string {
	if key == "" {
		return func(int) string { return "" }
	}
	return func(i int) string { return key + callerKeySeparator + strconv.Itoa(i) }
}
