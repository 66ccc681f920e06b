package incident

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// listTimeout is the timeout of a call for changes, which waits up to 20 seconds for some.
const listTimeout = 40 * time.Second

var (
	_ ChangeFeed = AlertClient{}
	_ Alerts     = AlertClient{}
)

// An AlertClient follows and records alerts by the alert service.
type AlertClient struct {
	Service jobv1connect.DispatchServiceClient
}

// ListChanges returns changes.
func (c AlertClient) ListChanges(ctx context.Context, after int64, limit int) ([]Change, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	res, err := c.Service.ListIncidentChanges(ctx, &jobv1.ListIncidentChangesRequest{After: after, Limit: int32(limit)})
	if err != nil {
		return nil, fmt.Errorf("list incident changes: %w", err)
	}
	changes := make([]Change, 0, len(res.GetChanges()))
	for _, wire := range res.GetChanges() {
		change, err := changeFromWire(wire)
		if err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// Send records the alert of a notice. Its idempotency key is that of the notice.
func (c AlertClient) Send(ctx context.Context, n Notice) (int64, error) {
	source := job.IncidentSource
	if n.Key != job.DisplayKey(n.Key) {
		source = job.IncidentIntakeSource
	}
	res, err := c.Service.SendAlerts(ctx, &jobv1.SendAlertsRequest{Source: source, Alerts: []*alertv1.SendAlertRequest{noticeToWire(n)}, Once: true})
	if err != nil {
		return 0, sendError(err)
	}
	if len(res.GetResults()) != 1 {
		return 0, fmt.Errorf("alert service returned %d results for an alert", len(res.GetResults()))
	}
	r := res.GetResults()[0]
	if r.GetOutcome() == jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED {
		return 0, fault.Invalidf("%s: %s", r.GetField(), r.GetMessage())
	}
	return strconv.ParseInt(r.GetId(), 10, 64)
}

// sendError returns fault.ErrInvalid only for a request that can never be recorded.
func sendError(err error) error {
	if errors.Is(err, fault.ErrInvalid) || connect.CodeOf(err) == connect.CodeInvalidArgument {
		return fault.Invalidf("send alert: %w", err)
	}
	return fmt.Errorf("send alert: %w", err)
}

func noticeToWire(n Notice) *alertv1.SendAlertRequest {
	req := &alertv1.SendAlertRequest{
		Target: n.Targets, By: n.By, Severity: n.Severity, Title: n.Title, Message: n.Message, Link: n.Link,
		Key: job.DisplayKey(n.Key), Status: alertv1.AlertStatus(n.Status), Renotify: n.Renotify,
		IdempotencyKey: fmt.Sprintf("%d/%d", n.Incident, n.ID),
	}
	if n.Status == StatusFiring {
		req.RepeatFields = []string{"message"} // it is no repeat, whichever fields count for others
	}
	return req
}

func changeFromWire(wire *jobv1.IncidentChange) (Change, error) {
	a := wire.GetAlert()
	id, err := strconv.ParseInt(a.GetId(), 10, 64)
	if err != nil {
		return Change{}, fmt.Errorf("incident change %d: alert id %q: %w", wire.GetId(), a.GetId(), err)
	}
	alert := Alert{
		ID: id, Key: a.GetKey(), Source: a.GetSource(), Targets: a.GetTarget(), By: a.GetBy(),
		Severity: a.GetSeverity(), Title: a.GetTitle(), Message: a.GetMessage(), Link: a.GetLink(),
		Escalation: a.GetEscalation(), Time: a.GetCreateTime().AsTime(),
	}
	switch alert.Source {
	case job.IncidentSource:
		alert.Own, alert.Source = true, ""
	case job.IncidentIntakeSource:
		alert.Own, alert.Key = true, job.SourceKey(alert.Key)
	case "":
	default:
		alert.Key = job.SourceKey(alert.Key)
	}
	return Change{ID: wire.GetId(), Incident: wire.GetIncident(), Kind: ChangeKind(wire.GetKind()), Alert: alert}, nil
}
