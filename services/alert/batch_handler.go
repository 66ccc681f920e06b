package alert

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// batchConcurrency is how many alerts of a batch are recorded concurrently; these can share
// a commit.
const batchConcurrency = 256

// maxReason limits the text of a refusal, in bytes.
const maxReason = 500

// SendAlerts records the alerts of a source and returns a result for each.
func (h *DispatchHandler) SendAlerts(ctx context.Context, req *jobv1.SendAlertsRequest) (*jobv1.SendAlertsResponse, error) {
	b := &batch{Handler: h.Alerts, source: req.GetSource(), once: req.GetOnce(), fallback: req.GetDefaultTarget(), found: map[string]*lookup{}}
	results := make([]*jobv1.SendAlertsResult, len(req.GetAlerts()))
	var g errgroup.Group // without a context: an alert that fails does not cancel the others
	g.SetLimit(batchConcurrency)
	for _, indexes := range byKey(req.GetAlerts()) {
		g.Go(func() error {
			for _, i := range indexes {
				res, err := b.send(ctx, req.GetAlerts()[i])
				if err != nil {
					return err // later alerts of the key must not be recorded before this one
				}
				results[i] = res
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return &jobv1.SendAlertsResponse{Results: results}, nil
}

// byKey returns the indexes of alerts in order, grouped by alert key.
func byKey(alerts []*alertv1.SendAlertRequest) [][]int {
	groups := make([][]int, 0, len(alerts))
	groupOf := make(map[string]int, len(alerts))
	for i, a := range alerts {
		key := a.GetKey()
		if key == "" {
			key = sourceKeySeparator + a.GetIdempotencyKey()
		}
		at, ok := groupOf[key]
		if !ok || key == sourceKeySeparator {
			at = len(groups)
			groupOf[key], groups = at, append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	return groups
}

// A batch holds the alerts of one request, and the lookups that they share.
type batch struct {
	*Handler
	source   string
	once     bool     // a key belongs to one alert
	fallback []string // default targets

	mu    sync.Mutex
	found map[string]*lookup // by targets
}

// A lookup is one call to the directory, shared by alerts with the same targets.
type lookup struct {
	once sync.Once
	res  LookupResult
	err  error
}

// send records one alert. An invalid alert is a refusal; an error means that the directory
// or the ledger failed.
func (b *batch) send(ctx context.Context, req *alertv1.SendAlertRequest) (*jobv1.SendAlertsResult, error) {
	a, err := newAlert(req, nil, b.Now())
	if errors.Is(err, fault.ErrInvalid) {
		return invalidResult(err), nil
	}
	if err != nil {
		return nil, err
	}
	if len(req.GetTarget()) == 0 {
		req.Target = b.fallback
	}
	if len(req.GetTarget()) == 0 {
		return refusedResult("target", "no_target", "no targets, and no default targets for the source"), nil
	}
	if err := protovalidate.Validate(req, protovalidate.WithFailFast()); err != nil {
		return invalidResult(err), nil
	}
	res := &jobv1.SendAlertsResult{}
	recipients, err := b.recipients(ctx, &a, req, res)
	if err != nil || res.GetOutcome() == jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED {
		return res, err
	}
	a.AlertKey = job.SourceKey(a.AlertKey)
	if a.IdempotencyKey != "" {
		a.IdempotencyScope = sourceScope(b.source)
	}
	return b.add(ctx, a, recipients, req.GetFailover(), res)
}

// recipients returns the recipients of an alert: those of its own targets or, if there are
// none, those of the default targets. If nobody is notified, res becomes a refusal: an
// alert recorded without deliveries would make the next one a duplicate.
func (b *batch) recipients(ctx context.Context, a *Alert, req *alertv1.SendAlertRequest, res *jobv1.SendAlertsResult) ([]Recipient, error) {
	own := len(a.Targets) > 0
	found, err := b.find(ctx, req.GetTarget())
	if err != nil {
		return nil, err
	}
	if own {
		res.UnknownTarget = found.UnknownTargets
	}
	if own && len(found.Recipients) == 0 && !req.GetStrict() && len(b.fallback) > 0 {
		if found, err = b.find(ctx, b.fallback); err != nil {
			return nil, err
		}
		a.Targets = slices.Concat(a.Targets, b.fallback)
		own = false
	}
	res.DefaultTarget = !own
	if !own && len(a.Targets) == 0 {
		a.Targets = b.fallback
	}
	a.UnknownTargets = slices.Clone(res.GetUnknownTarget())
	if !own {
		a.UnknownTargets = append(a.UnknownTargets, found.UnknownTargets...)
	}
	none := len(found.Recipients) == 0
	if !none && (!req.GetStrict() || len(a.UnknownTargets) == 0) {
		return found.Recipients, nil
	}
	text := "its targets have no addresses"
	if len(a.UnknownTargets) > 0 {
		text = "unknown target " + strings.Join(a.UnknownTargets, ", ")
	}
	refusal := refusedResult("target", "unknown_target", text)
	res.Outcome, res.Field, res.Reason, res.Message = refusal.GetOutcome(), refusal.GetField(), refusal.GetReason(), refusal.GetMessage()
	return nil, nil
}

// find looks up targets in the directory, once per batch. Targets that the directory
// refuses are unknown targets.
func (b *batch) find(ctx context.Context, targets []string) (LookupResult, error) {
	key := strings.Join(targets, sourceKeySeparator)
	b.mu.Lock()
	l, ok := b.found[key]
	if !ok {
		l = &lookup{}
		b.found[key] = l
	}
	b.mu.Unlock()
	l.once.Do(func() {
		l.res, l.err = b.lookUp(ctx, targets)
		if errors.Is(l.err, fault.ErrInvalid) || connect.CodeOf(l.err) == connect.CodeInvalidArgument {
			l.res, l.err = LookupResult{UnknownTargets: targets}, nil
		}
	})
	return l.res, l.err
}

// add records an alert. If its idempotency key belongs to another alert, the key is
// extended by the request digest; with once it is a duplicate, without an id.
func (b *batch) add(ctx context.Context, a Alert, recipients []Recipient, failover bool, res *jobv1.SendAlertsResult) (*jobv1.SendAlertsResult, error) {
	res.Outcome = jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_RECORDED
	added, err := b.record(ctx, a, recipients, failover)
	if errors.Is(err, fault.ErrExists) && b.once {
		res.Outcome = jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REPEATED
		return res, nil
	}
	if errors.Is(err, fault.ErrExists) {
		res.Outcome = jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_CHANGED
		a.IdempotencyKey += sourceKeySeparator + hex.EncodeToString(a.RequestDigest[:16])
		added, err = b.record(ctx, a, recipients, failover)
	}
	if errors.Is(err, fault.ErrInvalid) {
		return invalidResult(err), nil
	}
	if err != nil {
		return nil, err
	}
	if added.Duplicate {
		res.Outcome = jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REPEATED
	}
	res.Id, res.UserCount = alertID(added.Alert.ID), int32(added.DeliveryCount())
	return res, nil
}

// invalidResult returns the refusal of an alert that violates a validation rule.
func invalidResult(err error) *jobv1.SendAlertsResult {
	field := ""
	if invalid, ok := errors.AsType[*protovalidate.ValidationError](err); ok && len(invalid.Violations) > 0 {
		v := invalid.Violations[0]
		field = protovalidate.FieldPathString(v.Proto.GetField())
		err = fmt.Errorf("%s", v.Proto.GetMessage())
	}
	return refusedResult(field, "invalid_field", err.Error())
}

// refusedResult returns a refusal with its message cut to maxReason.
func refusedResult(field, reason, message string) *jobv1.SendAlertsResult {
	if len(message) > maxReason {
		message = strings.ToValidUTF8(message[:maxReason], "") + "…"
	}
	return &jobv1.SendAlertsResult{
		Outcome: jobv1.SendAlertsOutcome_SEND_ALERTS_OUTCOME_REFUSED, Field: field, Reason: reason, Message: message,
	}
}
