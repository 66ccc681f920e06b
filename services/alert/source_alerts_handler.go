package alert

import (
	"context"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/job"
)

// SendAlerts records the alerts of a source and returns a result for each.
func (h *DispatchHandler) SendAlerts(ctx context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	source := req.GetSource()
	b := &batch{
		Handler: h.Alerts, scope: sourceScope(source), now: h.Alerts.Now(),
		source: &sourceRules{
			name: source, fallback: req.GetDefaultTarget(), repeatChanged: req.GetOnce(),
			withoutRecipients: source == job.IncidentSource || source == job.IncidentIntakeSource || source == job.MonitorSource,
		},
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
