package alert

import (
	"context"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
)

// SendAlerts records the alerts of a source and returns a result for each.
func (h *DispatchHandler) SendAlerts(ctx context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	b := &batch{
		Handler: h.Alerts, scope: sourceScope(req.GetSource()), now: h.Alerts.Now(),
		source: &sourceRules{name: req.GetSource(), fallback: req.GetDefaultTarget(), repeatChanged: req.GetOnce()},
	}
	results, err := b.send(ctx, req.GetAlerts())
	if err != nil {
		return nil, err
	}
	res := &jobv1.SendAlertsResponse{Results: make([]*jobv1.SendAlertsResult, 0, len(results))}
	for i := range results {
		res.Results = append(res.Results, results[i].toJobWire())
	}
	return res, nil
}
