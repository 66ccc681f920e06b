package monitor

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ Alerts = AlertClient{}

// An AlertClient records alerts by the alert service.
type AlertClient struct {
	Service jobv1connect.DispatchServiceClient
}

// Send records the alert of a notice. Its idempotency key is that of the notice.
func (c AlertClient) Send(ctx context.Context, n Notice) error {
	res, err := c.Service.SendAlerts(ctx, &jobv1.SendAlertsRequest{Source: job.MonitorSource, Alerts: []*alertv1.SendAlertRequest{noticeToWire(n)}, Once: true})
	if err != nil {
		return sendError(err)
	}
	if len(res.GetResults()) != 1 {
		return fmt.Errorf("alert service returned %d results for an alert", len(res.GetResults()))
	}
	if r := res.GetResults()[0]; r.GetOutcome() == jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED {
		return fault.Invalidf("%s: %s", r.GetField(), r.GetMessage())
	}
	return nil
}

// sendError returns fault.ErrInvalid only for a request that can never be recorded.
func sendError(err error) error {
	if errors.Is(err, fault.ErrInvalid) || connect.CodeOf(err) == connect.CodeInvalidArgument {
		return fault.Invalidf("send alert: %w", err)
	}
	return fmt.Errorf("send alert: %w", err)
}

// noticeToWire returns the alert of a notice. The time is in its idempotency key, because the
// numbers of a monitor that is created again, or of a new database, begin anew.
func noticeToWire(n Notice) *alertv1.SendAlertRequest {
	req := &alertv1.SendAlertRequest{
		Target: n.Targets, By: n.By, Severity: n.Severity, Title: n.Title, Message: n.Message, Link: n.Link, Key: n.Key(),
		Status: alertv1.AlertStatus_ALERT_STATUS_FIRING, Escalation: n.Escalation,
		IdempotencyKey: fmt.Sprintf("%s/%d/%d", n.Monitor, n.Number, n.CreateTime.UnixMicro()),
	}
	if n.Resolved {
		req.Status = alertv1.AlertStatus_ALERT_STATUS_RESOLVED
	}
	return req
}
