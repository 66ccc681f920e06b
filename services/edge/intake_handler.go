package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	intakev1 "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1/intakev1connect"
	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/intake"
)

var _ intakev1connect.IntakeServiceHandler = (*IntakeHandler)(nil)

// An IntakeHandler answers IntakeService: it makes alerts of what other systems say,
// and sends them on.
type IntakeHandler struct {
	Sources map[string]intake.Source // by name
	Alerts  alertv1connect.AlertServiceHandler
}

// Receive reads a request and sends the alerts in it, all that can be.
func (h *IntakeHandler) Receive(ctx context.Context, req *intakev1.ReceiveRequest) (*intakev1.ReceiveResponse, error) {
	source, is := h.Sources[req.GetSource()]
	if !is {
		return nil, fmt.Errorf("source %q: %w", req.GetSource(), fault.ErrNotFound)
	}
	alerts, err := source(headerOf(ctx, req), req.GetBody().GetData())
	if err != nil {
		return nil, err
	}
	res := &intakev1.ReceiveResponse{Alerts: make([]*intakev1.ReceivedAlert, 0, len(alerts))}
	for _, a := range alerts {
		said, err := h.Alerts.SendAlert(ctx, intakeToWire(a))
		switch {
		case errors.Is(err, fault.ErrExists), connect.CodeOf(err) == connect.CodeAlreadyExists:
			said = &alertv1.SendAlertResponse{}
		case err != nil:
			return nil, err
		}
		res.Alerts = append(res.Alerts, &intakev1.ReceivedAlert{Id: said.GetId(), UserCount: said.GetUserCount(), UnknownTarget: said.GetUnknownTarget()})
	}
	return res, nil
}

// headerOf gives the header of the call, with the Content-Type of the body.
func headerOf(ctx context.Context, req *intakev1.ReceiveRequest) http.Header {
	header := http.Header{}
	if call, is := connect.CallInfoForHandlerContext(ctx); is {
		header = call.RequestHeader().Clone()
	}
	header.Set("Content-Type", req.GetBody().GetContentType())
	return header
}

func intakeToWire(a intake.Alert) *alertv1.SendAlertRequest {
	req := &alertv1.SendAlertRequest{
		Target:         a.Targets,
		Severity:       a.Severity,
		Message:        a.Message,
		Title:          a.Title,
		Link:           a.Link,
		IdempotencyKey: a.Key,
	}
	for _, d := range a.Details {
		req.Details = append(req.Details, &alertv1.Detail{Name: d.Name, Value: d.Value})
	}
	return req
}
