package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// chunkAlerts and chunkBytes bound one request to the alert service.
	chunkAlerts = 500
	chunkBytes  = 2 << 20
	// chunkTimeout is the timeout of such a request.
	chunkTimeout = time.Minute
)

var _ Alerts = AlertClient{}

// An AlertClient records alerts by the alert service.
type AlertClient struct {
	Service jobv1connect.DispatchServiceClient
}

// SendAlerts records alerts, in chunks.
func (c AlertClient) SendAlerts(ctx context.Context, alerts []KeyedAlert) ([]AlertResult, error) {
	results := make([]AlertResult, 0, len(alerts))
	chunk, size := []*alertv1.SendAlertRequest(nil), 0
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		sent, err := c.send(ctx, chunk)
		results, chunk, size = append(results, sent...), nil, 0
		return err
	}
	for _, a := range alerts {
		req := alertToWire(a)
		bytes := proto.Size(req)
		if len(chunk) == chunkAlerts || size+bytes > chunkBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		chunk, size = append(chunk, req), size+bytes
	}
	return results, flush()
}

func (c AlertClient) send(ctx context.Context, alerts []*alertv1.SendAlertRequest) ([]AlertResult, error) {
	ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	res, err := c.Service.SendAlerts(ctx, &jobv1.SendAlertsRequest{Source: job.EventSource, Alerts: alerts, Once: true})
	if err != nil {
		return nil, sendError(err)
	}
	if len(res.GetResults()) != len(alerts) {
		return nil, fmt.Errorf("alert service returned %d results for %d alerts", len(res.GetResults()), len(alerts))
	}
	results := make([]AlertResult, len(alerts))
	for i, r := range res.GetResults() {
		results[i] = resultOf(r)
	}
	return results, nil
}

// sendError returns fault.ErrUnavailable for an error that has nothing to do with the alerts.
func sendError(err error) error {
	if errors.Is(err, fault.ErrUnavailable) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Unavailablef("send alerts: %w", err)
	}
	switch connect.CodeOf(err) { //nolint:exhaustive // the others may be due to an alert
	case connect.CodeUnavailable, connect.CodeCanceled, connect.CodeDeadlineExceeded, connect.CodeResourceExhausted,
		connect.CodeUnauthenticated, connect.CodePermissionDenied, connect.CodeUnimplemented:
		return fault.Unavailablef("send alerts: %w", err)
	}
	return fmt.Errorf("send alerts: %w", err)
}

func resultOf(r *jobv1.SendAlertsResult) AlertResult {
	switch r.GetOutcome() { //nolint:exhaustive // a further alert is never recorded, by Once
	case jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REPEATED:
		return AlertResult{Outcome: Repeated}
	case jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED:
		reason := (&problem{r.GetField(), r.GetMessage()}).Error()
		if r.GetReason() == "unknown_target" {
			return AlertResult{Outcome: NoRecipient, Reason: reason}
		}
		return AlertResult{Outcome: Refused, Reason: reason}
	}
	return AlertResult{Outcome: Recorded}
}

func alertToWire(a KeyedAlert) *alertv1.SendAlertRequest {
	req := &alertv1.SendAlertRequest{
		Target: a.Alert.Targets, By: a.Alert.By, Severity: a.Alert.Severity, Title: a.Alert.Title,
		Message: a.Alert.Message, Link: a.Alert.Link, IdempotencyKey: a.Key,
	}
	if a.Alert.Key != "" {
		req.Key, req.Status, req.Escalation, req.RepeatFields = a.Alert.Key, alertv1.AlertStatus(a.Alert.Status), a.Alert.Escalation, a.Alert.RepeatFields
	}
	if a.Alert.TTL > 0 {
		req.Ttl = durationpb.New(a.Alert.TTL)
	}
	return req
}
