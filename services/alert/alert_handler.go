package alert

import (
	"context"
	"log/slog"
	"strings"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/telemetry"
)

var _ alertv1connect.AlertServiceHandler = (*Handler)(nil)

// defaultAlertsPage is the default page size of ListAlerts.
const defaultAlertsPage = 50

// A Handler implements AlertService.
type Handler struct {
	Directory Directory
	Store     AlertStore
	Hub       *Hub
	Loop      *DispatchLoop
	Renderer  *TextRenderer
	Specs     []messenger.Spec
	// FailoverAfter is the failover delay: how long an address may take before the next
	// one of its failover chain is used. It must be greater than 0.
	FailoverAfter time.Duration
	// IncidentSettings are the settings by which firing alerts change incidents. Its zero value
	// makes each an update.
	IncidentSettings IncidentSettings
	// Incidents is notified of changes of incidents, for their followers; nil for none.
	Incidents *IncidentFeed
	// Digests holds back deliveries to an address with many; nil for none.
	Digests *DigestCounter
	// HeldBack is called for each delivery that is held back, before it is recorded; nil for
	// none.
	HeldBack func(messenger string, why Hold)
	// Severities is the severity map, which extends the built-in ranks.
	Severities job.SeverityMap
	// Silences are the silences of firing alerts; nil for none.
	Silences *SilenceSet
	// Silenced is called for each silenced delivery after it was recorded; nil for none.
	Silenced func(messenger string)
	// Escalations checks the escalation policies that alerts name; nil accepts all.
	Escalations *EscalationNames
	Now         func() time.Time
	// Trace returns the trace of a request, which is recorded with its alerts; nil for none.
	Trace func(context.Context) telemetry.TraceContext
	// Log is for quiet hours that cannot be parsed; nil for none.
	Log *slog.Logger

	schedules quiethours.Cache
}

// SendAlert records an alert and its deliveries. The dispatch loop enqueues them after the
// response.
func (h *Handler) SendAlert(ctx context.Context, req *alertv1.SendAlertRequest) (*alertv1.SendAlertResponse, error) {
	if err := h.checkBy(req.GetBy()); err != nil {
		return nil, err
	}
	found, err := h.lookUp(ctx, req.GetTarget())
	if err != nil {
		return nil, err
	}
	if unknown := found.UnknownTargets; req.GetStrict() && len(unknown) > 0 {
		return nil, fault.WithReason(fault.WithField(fault.Invalidf("unknown target %s (strict)", strings.Join(unknown, ", ")), "target"), "UNKNOWN_TARGET")
	}
	a, err := newAlert(req, h.Now())
	if err != nil {
		return nil, err
	}
	if err := h.checkEscalation(ctx, a); err != nil {
		return nil, err
	}
	a.UnknownTargets = found.UnknownTargets
	if a.IdempotencyKey != "" {
		a.IdempotencyScope = callerScope(ctx)
		if a.RequestDigest, err = requestDigest(req); err != nil {
			return nil, err
		}
	}
	add, err := h.addition(ctx, a, found.Recipients, req.GetFailover())
	if err != nil {
		return nil, err
	}
	// If the caller disconnects now, an alert that is recorded must still be passed to the
	// dispatch loop.
	added, err := h.Store.AddAlert(context.WithoutCancel(ctx), add.Alert, add.Deliveries, add.Retry)
	if err != nil {
		return nil, err
	}
	h.dispatch(added)
	return sentToWire(added), nil
}

// addition returns an alert with a delivery for each recipient, as the ledger records them.
func (h *Handler) addition(ctx context.Context, a Alert, recipients []Recipient, failover bool) (Addition, error) {
	if len(h.Severities) > 0 {
		a.RankName = h.Severities.Rank(a.Severity).String()
	}
	recipients = recipientsBy(recipients, a.By)
	ds := h.deliveries(recipients, failover, a.CreateTime)
	if a.Resolved || a.Acknowledged {
		clearChains(ds)
	}
	if a.Silence = h.Silences.Find(a); a.Silence != 0 {
		cancelSilenced(ds, a.CreateTime)
	} else {
		h.holdQuietHours(a, ds, recipients)
		h.Digests.holdBack(h, a, ds)
	}
	if a.AlertKey != "" {
		a.Policy = h.IncidentSettings.policyOf(a)
	}
	if h.Trace != nil {
		a.Trace = h.Trace(ctx)
	}
	if err := h.Renderer.Render(ctx, &a, messengersOfDeliveries(ds)); err != nil {
		return Addition{}, err
	}
	retry := a.CreateTime.Add(redispatchTimeout)
	if a.Resolved {
		retry = a.CreateTime // TakeDue returns it with its rank, which only the ledger knows
	}
	return Addition{Alert: a, Deliveries: ds, Retry: retry}, nil
}

// dispatch passes a recorded alert to the dispatch loop, unless it is a duplicate.
func (h *Handler) dispatch(added Added) {
	if added.Duplicate {
		return
	}
	h.countSilenced(added)
	if added.changesOthers() {
		h.Loop.Notify()
	}
	if added.Alert.AlertKey != "" {
		h.Incidents.Notify()
	}
	if !added.Alert.Resolved {
		h.Loop.Enqueue(added.Alert, added.Deliveries)
	}
}

// GetAlert returns an alert and its first deliveries.
func (h *Handler) GetAlert(ctx context.Context, req *alertv1.GetAlertRequest) (*alertv1.GetAlertResponse, error) {
	id, err := readAlertID(req.GetId())
	if err != nil {
		return nil, err
	}
	a, err := h.Store.Summary(ctx, id)
	if err != nil {
		return nil, err
	}
	ds, next, err := h.deliveryPage(ctx, DeliveryQuery{AlertID: id, Limit: maxDeliveriesPage})
	if err != nil {
		return nil, err
	}
	return &alertv1.GetAlertResponse{Alert: alertToWire(a), Deliveries: deliveriesToWire(ds), NextPageToken: next}, nil
}

// ListAlerts returns a page of alerts.
func (h *Handler) ListAlerts(ctx context.Context, req *alertv1.ListAlertsRequest) (*alertv1.ListAlertsResponse, error) {
	q, err := queryFromWire(req)
	if err != nil {
		return nil, err
	}
	alerts, more, err := alertsPage(ctx, h.Store, q)
	if err != nil {
		return nil, err
	}
	res := &alertv1.ListAlertsResponse{Alerts: make([]*alertv1.Alert, 0, len(alerts))}
	if more {
		res.NextPageToken = alertID(alerts[len(alerts)-1].ID)
	}
	for _, a := range alerts {
		res.Alerts = append(res.Alerts, alertToWire(a))
	}
	return res, nil
}

// CancelAlert cancels the deliveries of an alert that were not sent.
func (h *Handler) CancelAlert(ctx context.Context, req *alertv1.CancelAlertRequest) (*alertv1.CancelAlertResponse, error) {
	id, err := readAlertID(req.GetId())
	if err != nil {
		return nil, err
	}
	count, err := h.Store.Cancel(ctx, id, h.Now())
	if err != nil {
		return nil, err
	}
	h.Hub.ChangedAlert(id)
	return &alertv1.CancelAlertResponse{CanceledCount: int32(count)}, nil
}

// CancelDeliveries cancels the uncompleted deliveries that a filter selects.
func (h *Handler) CancelDeliveries(ctx context.Context, req *alertv1.CancelDeliveriesRequest) (*alertv1.CancelDeliveriesResponse, error) {
	selection, err := cancelSelectionFromWire(req.GetFilter())
	if err != nil {
		return nil, err
	}
	count, alertIDs, err := h.Store.CancelSelected(ctx, selection, h.Now(), req.GetDryRun())
	if err != nil {
		return nil, err
	}
	if !req.GetDryRun() {
		for _, id := range alertIDs {
			h.Hub.ChangedAlert(id)
		}
	}
	return &alertv1.CancelDeliveriesResponse{CanceledCount: int32(count)}, nil
}

// ReplayDeliveries queues failed or expired deliveries again. The dispatch loop finds them
// due.
func (h *Handler) ReplayDeliveries(ctx context.Context, req *alertv1.ReplayDeliveriesRequest) (*alertv1.ReplayDeliveriesResponse, error) {
	selection, err := selectionFromWire(req)
	if err != nil {
		return nil, err
	}
	for _, spec := range h.Specs { // no sender takes jobs of other messengers
		selection.Among = append(selection.Among, spec.Name)
	}
	now := h.Now()
	count, err := h.Store.Replay(ctx, selection, now, now.Add(ttlFromWire(req.GetTtl())), req.GetDryRun())
	h.Loop.Notify()
	if err != nil {
		return nil, err
	}
	h.Hub.ChangedAll()
	return &alertv1.ReplayDeliveriesResponse{ReplayedCount: int32(count)}, nil
}

// ResolveTargets returns the recipients of targets, and notifies no user.
func (h *Handler) ResolveTargets(ctx context.Context, req *alertv1.ResolveTargetsRequest) (*alertv1.ResolveTargetsResponse, error) {
	if err := h.checkBy(req.GetBy()); err != nil {
		return nil, err
	}
	found, err := h.lookUp(ctx, req.GetTarget())
	if err != nil {
		return nil, err
	}
	found.Recipients = recipientsBy(found.Recipients, req.GetBy())
	return resolvedToWire(found, req)
}

// lookUp resolves all targets by one call to the directory. A malformed target is an error
// before the call.
func (h *Handler) lookUp(ctx context.Context, texts []string) (LookupResult, error) {
	targets, err := target.ParseList(texts)
	if err != nil {
		return LookupResult{}, err
	}
	return h.Directory.LookUp(ctx, targets)
}

// deliveries returns a delivery for each recipient. Those of a user form a failover chain
// if failover is set for the alert or for the user. A delivery by an unknown messenger is
// Failed, with that reason.
func (h *Handler) deliveries(recipients []Recipient, failover bool, now time.Time) []Delivery {
	ds := make([]Delivery, 0, len(recipients))
	users := int64(0)
	for i := range recipients {
		r := &recipients[i]
		if i == 0 || recipients[i-1].Nickname != r.Nickname {
			users++
		}
		d := Delivery{
			Nickname:              r.Nickname,
			Messenger:             r.Messenger,
			SealedCredential:      r.SealedCredential,
			CredentialFingerprint: r.CredentialFingerprint,
			Destination:           r.Destination,
			State:                 Queued,
		}
		if _, ok := messenger.Find(h.Specs, d.Messenger); !ok {
			d.State, d.Reason, d.EndTime = Failed, "unknown_messenger", now
		} else if failover || r.Failover {
			d.Chain = users
		}
		ds = append(ds, d)
	}
	applyFailoverDelay(ds, h.FailoverAfter, now)
	return ds
}
