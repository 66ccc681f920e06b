package incident

import (
	"context"
	"fmt"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/silence"
)

var _ AlertReader = AlertListClient{}

// alertsPage is the page size of reads of alerts.
const alertsPage = 500

// A FiredAlert is a firing alert of a preview.
type FiredAlert struct {
	silence.Subject
	ID, Message string
	Time        time.Time
}

// An AlertListClient implements AlertReader by AlertService.
type AlertListClient struct {
	Service interface {
		ListAlerts(ctx context.Context, req *alertv1.ListAlertsRequest) (*alertv1.ListAlertsResponse, error)
	}
}

// ReadFiring reads pages of alerts.
func (c AlertListClient) ReadFiring(ctx context.Context, since time.Time, limit int, f func(FiredAlert)) error {
	req := &alertv1.ListAlertsRequest{CreateTimeFrom: timeToWire(since)}
	for limit > 0 {
		req.PageSize = int32(min(limit, alertsPage))
		res, err := c.Service.ListAlerts(ctx, req)
		if err != nil {
			return fmt.Errorf("list alerts: %w", err)
		}
		for _, a := range res.GetAlerts() {
			if a.GetStatus() == alertv1.AlertStatus_ALERT_STATUS_FIRING {
				f(firedAlert(a))
			}
		}
		limit -= len(res.GetAlerts())
		if req.PageToken = res.GetNextPageToken(); req.PageToken == "" {
			return nil
		}
	}
	return nil
}

func firedAlert(a *alertv1.Alert) FiredAlert {
	s := silence.Subject{Key: a.GetKey(), Severity: a.GetSeverity(), Source: a.GetSource(), Targets: a.GetTarget()}
	for _, d := range a.GetDetails() {
		s.Details = append(s.Details, job.Detail{Name: d.GetName(), Value: d.GetValue()})
	}
	return FiredAlert{Subject: s, ID: a.GetId(), Message: a.GetMessage(), Time: a.GetCreateTime().AsTime()}
}
