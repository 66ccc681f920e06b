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
	"github.com/bongsu-project/bongsu/internal/intake"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var _ intakev1connect.IntakeServiceHandler = (*IntakeHandler)(nil)

const (
	// chunkAlerts and chunkBytes bound one request to the alert service.
	chunkAlerts = 500
	chunkBytes  = 4 << 20
	// chunkTimeout is the timeout of such a request.
	chunkTimeout = time.Minute
	// namedRefusals is the number of refusals that an error lists.
	namedRefusals = 5
)

// An IntakeMetrics counts the alerts of intake. source is a configured source, or unknown.
type IntakeMetrics interface {
	// Received counts n alerts with an outcome: recorded, repeated, changed or refused.
	Received(source, outcome string, n int)
	// RefusedIntake counts a refused alert or request.
	RefusedIntake(source, reason string)
	// IntakeProblem counts an unusable part of an alert that was recorded.
	IntakeProblem(source, reason string)
}

// An IntakeHandler implements IntakeService: it parses the alerts of other systems and
// records them by the alert service.
type IntakeHandler struct {
	Sources  map[string]intake.Source // by name
	Dispatch jobv1connect.DispatchServiceClient
	Metrics  IntakeMetrics
	Now      func() time.Time
	Log      *slog.Logger

	// CallersOnly refuses requests without a caller and without a signature. It is set where
	// authentication is required.
	CallersOnly bool
}

// Receive parses a request and records every alert in it that can be recorded. It returns
// an error if none was recorded.
func (h *IntakeHandler) Receive(ctx context.Context, req *intakev1.ReceiveRequest) (*intakev1.ReceiveResponse, error) {
	source, ok := h.Sources[req.GetSource()]
	if !ok {
		h.refuse("unknown", &intake.Problem{Reason: intake.UnknownSource, Message: fmt.Sprintf("source %q", req.GetSource())})
		return nil, fault.WithResource(fault.NotFoundf("source %q not found", req.GetSource()), "source", req.GetSource())
	}
	header := headerOf(ctx, req)
	if err := h.checkSender(ctx, req, source, header); err != nil {
		return nil, err
	}
	items, problem := source.Read(header, req.GetBody().GetData())
	if problem != nil {
		h.refuse(req.GetSource(), problem)
		return nil, invalidIntake(problem)
	}
	results, err := h.send(ctx, req.GetSource(), source.Default, items)
	if err != nil {
		return nil, err
	}
	res := &intakev1.ReceiveResponse{Alerts: make([]*intakev1.ReceivedAlert, 0, len(items))}
	recorder := &intakeResults{handler: h, source: req.GetSource()}
	for i, item := range items {
		res.Alerts = append(res.Alerts, recorder.result(res, item, results[i]))
	}
	recorder.finish(res)
	if int(res.GetRefusedCount()) == len(items) {
		return nil, errNoneRecorded(res.GetAlerts())
	}
	return res, nil
}

// invalidIntake returns the error of a request that could not be parsed. Its reason is that
// of the problem.
func invalidIntake(p *intake.Problem) error {
	err := fault.Invalidf("%w", p)
	if p.Field != "" {
		err = fault.WithFields(err, []fault.Field{{Path: p.Field, Problem: p.Message}})
	}
	return fault.WithReason(err, strings.ToUpper(string(p.Reason)))
}

// send records the alerts of items at the alert service, in chunks. It returns one result
// per item, nil for an item that could not be parsed.
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
			return chunkError(err)
		}
		if len(res.GetResults()) != len(places) {
			return fmt.Errorf("alert service returned %d results for %d alerts", len(res.GetResults()), len(places))
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

// chunkError maps the error of one chunk to that of the whole request. It is never an
// invalid_argument or the like: the source did nothing wrong and must retry the request.
func chunkError(err error) error {
	switch connect.CodeOf(err) {
	case connect.CodeDeadlineExceeded:
		return fault.Unavailablef("alert service timed out; try again")
	case connect.CodeUnavailable, connect.CodeCanceled:
		return err
	}
	if errors.Is(err, fault.ErrUnavailable) || errors.Is(err, context.Canceled) {
		return err
	}
	return errors.New("send alerts: " + err.Error()) // no %w: internal, whatever its code
}

// errNoneRecorded returns the error of a request of which no alert was recorded.
func errNoneRecorded(alerts []*intakev1.ReceivedAlert) error {
	var named []string
	var fields []fault.Field
	for _, a := range alerts[:min(len(alerts), namedRefusals)] {
		text := a.GetMessage()
		if a.GetField() != "" {
			fields = append(fields, fault.Field{Path: a.GetField(), Problem: text})
			text = a.GetField() + ": " + text
		}
		named = append(named, text)
	}
	if more := len(alerts) - len(named); more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}
	err := fault.Invalidf("no alert recorded: %s", strings.Join(named, "; "))
	return fault.WithReason(fault.WithFields(err, fields), "NO_ALERT_RECORDED")
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
