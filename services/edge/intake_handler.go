package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	intakev1 "github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1/intakev1connect"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/intake"
)

var _ intakev1connect.IntakeServiceHandler = (*IntakeHandler)(nil)

const (
	// chunkAlerts and chunkBytes bound a request to the alert service.
	chunkAlerts = 500
	chunkBytes  = 4 << 20
	// chunkTimeout bounds how long it may take.
	chunkTimeout = time.Minute
	// namedRefusals is how many refusals the error of a request names.
	namedRefusals = 5
)

// An IntakeMeter counts the alerts of other systems. source is the name of a source of
// the configuration, or unknown.
type IntakeMeter interface {
	// Received counts n alerts: recorded, repeated, changed or refused.
	Received(source, outcome string, n int)
	// RefusedIntake counts a refused alert or request.
	RefusedIntake(source, reason string)
	// IntakeProblem counts a part that could not be used, of an alert that was recorded.
	IntakeProblem(source, reason string)
}

// An IntakeHandler answers IntakeService: it reads the alerts of other systems and
// has the alert service record them.
type IntakeHandler struct {
	Sources  map[string]intake.Source // by name
	Dispatch jobv1connect.DispatchServiceClient
	Meter    IntakeMeter
	Log      *slog.Logger
}

// Receive reads a request and records the alerts in it, all that can be.
func (h *IntakeHandler) Receive(ctx context.Context, req *intakev1.ReceiveRequest) (*intakev1.ReceiveResponse, error) {
	source, ok := h.Sources[req.GetSource()]
	if !ok {
		h.refuse("unknown", &intake.Problem{Reason: intake.UnknownSource, Message: fmt.Sprintf("source %q", req.GetSource())})
		return nil, fmt.Errorf("source %q: %w", req.GetSource(), fault.ErrNotFound)
	}
	items, problem := source.Read(headerOf(ctx, req), req.GetBody().GetData())
	if problem != nil {
		h.refuse(req.GetSource(), problem)
		return nil, fmt.Errorf("%w: %w", problem, fault.ErrInvalid)
	}
	results, err := h.send(ctx, req.GetSource(), source.Default, items)
	if err != nil {
		return nil, err
	}
	res := &intakev1.ReceiveResponse{Alerts: make([]*intakev1.ReceivedAlert, 0, len(items))}
	tell := &reporter{handler: h, source: req.GetSource()}
	for i, item := range items {
		res.Alerts = append(res.Alerts, tell.result(res, item, results[i]))
	}
	tell.end(res)
	if int(res.GetRefusedCount()) == len(items) {
		return nil, noneRecorded(res.GetAlerts())
	}
	return res, nil
}

// send has the alert service record the alerts of items, in chunks, and returns a
// result for each; nil for those that could not be read.
func (h *IntakeHandler) send(ctx context.Context, source string, fallback []string, items []intake.Item) ([]*jobv1.SendAlertsResult, error) {
	results := make([]*jobv1.SendAlertsResult, len(items))
	chunk := &jobv1.SendAlertsRequest{Source: source, DefaultTarget: fallback}
	var places []int
	size := 0
	flush := func() error {
		if len(places) == 0 {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
		defer cancel()
		res, err := h.Dispatch.SendAlerts(ctx, chunk)
		if err != nil {
			return again(err)
		}
		if len(res.GetResults()) != len(places) {
			return fmt.Errorf("the alert service returned %d results for %d alerts", len(res.GetResults()), len(places))
		}
		for i, place := range places {
			results[place] = res.GetResults()[i]
		}
		chunk.Alerts, places, size = nil, nil, 0
		return nil
	}
	for i, item := range items {
		if item.Problem != nil {
			continue
		}
		wire := intakeToWire(item.Alert)
		bytes := proto.Size(wire)
		if len(places) == chunkAlerts || size+bytes > chunkBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		chunk.Alerts, places, size = append(chunk.Alerts, wire), append(places, i), size+bytes
	}
	return results, flush()
}

// again returns the error of a chunk. Whatever it is, the sender must send the whole
// request again: it is none of the sender's making.
func again(err error) error {
	switch connect.CodeOf(err) {
	case connect.CodeDeadlineExceeded:
		return fmt.Errorf("the alert service did not answer in time: %w", fault.ErrUnavailable)
	case connect.CodeUnavailable, connect.CodeCanceled:
		return err
	}
	if errors.Is(err, fault.ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("send alerts: %s", err) // internal, whatever its code
}

// noneRecorded returns the error of a request of which nothing was recorded.
func noneRecorded(alerts []*intakev1.ReceivedAlert) error {
	var named []string
	for _, a := range alerts[:min(len(alerts), namedRefusals)] {
		text := a.GetMessage()
		if a.GetField() != "" {
			text = a.GetField() + ": " + text
		}
		named = append(named, text)
	}
	if more := len(alerts) - len(named); more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("nobody is notified: %s: %w", strings.Join(named, "; "), fault.ErrInvalid)
}

// headerOf returns the header of the call, with the Content-Type of the body.
func headerOf(ctx context.Context, req *intakev1.ReceiveRequest) http.Header {
	header := http.Header{}
	if call, ok := connect.CallInfoForHandlerContext(ctx); ok {
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
		Key:            a.Key,
		IdempotencyKey: a.IdempotencyKey,
	}
	switch a.Status {
	case intake.Firing:
		req.Status = alertv1.AlertStatus_ALERT_STATUS_FIRING
	case intake.Resolved:
		req.Status = alertv1.AlertStatus_ALERT_STATUS_RESOLVED
	}
	for _, d := range a.Details {
		req.Details = append(req.Details, &alertv1.Detail{Name: d.Name, Value: d.Value})
	}
	return req
}
