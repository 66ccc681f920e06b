package alert

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"golang.org/x/sync/errgroup"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// batchLookups is how many lookups of a batch run concurrently.
	batchLookups = 256
	// batchRows is the maximum number of alerts and deliveries of a batch that are recorded
	// in one commit; one alert may have more. It bounds the memory of a batch.
	batchRows = 5000
)

// A batch records the alerts of one request, of a source or of a caller. Each has a result of
// its own.
type batch struct {
	*Handler
	scope  IdempotencyScope
	now    time.Time
	keyOf  func(i int) string // returns the idempotency key of an alert without one; nil for none
	source *sourceRules       // nil for a caller

	found map[string]*batchLookup // by targets
}

// The sourceRules are the rules for the alerts of a source.
type sourceRules struct {
	name     string
	fallback []string // default targets
	// withoutRecipients is set for the incident and the monitor service. Their targets are those of
	// earlier times, so an alert is also recorded if they name nobody any more.
	withoutRecipients bool
	// repeatChanged makes an alert whose idempotency key was used for another one a repeat.
	// Otherwise it is recorded as a further one.
	repeatChanged bool
}

// A batchLookup is one call to the directory, shared by alerts with the same targets.
type batchLookup struct {
	targets []string
	res     LookupResult
	err     error // fault.ErrInvalid for malformed targets
}

// A batchAlert is a valid alert of a batch.
type batchAlert struct {
	Alert
	req    *alertv1.SendAlertRequest
	result *sendResult
}

// send records alerts in their order, in one commit or, if there are many, in several. An error
// means that the directory or the ledger failed; some alerts may have been recorded.
func (b *batch) send(ctx context.Context, reqs []*alertv1.SendAlertRequest) ([]sendResult, error) {
	results := make([]sendResult, len(reqs))
	valid := make([]batchAlert, 0, len(reqs))
	for i, req := range reqs {
		a, err := b.newAlert(i, req, &results[i])
		if err != nil {
			return nil, err
		}
		if results[i].outcome != outcomeRefused {
			valid = append(valid, batchAlert{a, req, &results[i]})
		}
	}
	valid = b.checkEscalations(ctx, valid)
	if err := b.lookUpAll(ctx, valid); err != nil {
		return nil, err
	}
	return results, b.addAll(ctx, valid)
}

// newAlert returns the alert of a request, or makes its result a refusal.
func (b *batch) newAlert(i int, req *alertv1.SendAlertRequest, r *sendResult) (Alert, error) {
	a, err := newAlert(req, b.now)
	if err != nil {
		r.refuseInvalid(err)
		return a, nil
	}
	if a.IdempotencyKey == "" && b.keyOf != nil {
		a.IdempotencyKey = b.keyOf(i)
	}
	if a.IdempotencyKey != "" {
		a.IdempotencyScope = b.scope
		if a.RequestDigest, err = b.digest(req); err != nil {
			return a, err
		}
	}
	if b.source != nil {
		a.Source = b.source.name
		if a.Source != job.IncidentSource {
			a.AlertKey = job.SourceKey(a.AlertKey)
		}
		if len(req.GetTarget()) == 0 {
			req.Target = b.source.fallback
		}
		if len(req.GetTarget()) == 0 {
			r.refuse("target", "no_target", "no targets, and no default targets for the source")
			return a, nil
		}
	}
	if err := protovalidate.Validate(req, protovalidate.WithFailFast()); err != nil {
		r.refuseInvalid(err)
	} else if err := b.checkBy(req.GetBy()); err != nil {
		r.refuseInvalid(err)
	}
	return a, nil
}

// digest returns the request digest. Where a changed alert is a repeat, it is that of any.
func (b *batch) digest(req *alertv1.SendAlertRequest) ([]byte, error) {
	if b.source != nil && b.source.repeatChanged {
		return []byte{}, nil
	}
	return requestDigest(req)
}

// lookUpAll looks up the targets of all alerts, each list of targets once.
func (b *batch) lookUpAll(ctx context.Context, alerts []batchAlert) error {
	b.found = map[string]*batchLookup{}
	var g errgroup.Group // without a context: the error of one must not hide that of another
	g.SetLimit(batchLookups)
	for _, a := range alerts {
		key := targetsKey(a.req.GetTarget())
		if _, ok := b.found[key]; ok {
			continue
		}
		l := &batchLookup{targets: a.req.GetTarget()}
		b.found[key] = l
		g.Go(func() error { return b.run(ctx, l) })
	}
	return g.Wait()
}

// targetsKey returns the key of targets in batch.found.
func targetsKey(targets []string) string { return strings.Join(targets, sourceKeySeparator) }

// run makes the call of a lookup. For a source, malformed targets are unknown targets.
func (b *batch) run(ctx context.Context, l *batchLookup) error {
	res, err := b.lookUp(ctx, l.targets)
	if err != nil && !errors.Is(err, fault.ErrInvalid) && connect.CodeOf(err) != connect.CodeInvalidArgument {
		return err
	}
	if l.res, l.err = res, err; err != nil && b.source != nil {
		l.res, l.err = LookupResult{UnknownTargets: l.targets}, nil
	}
	return nil
}

// addAll records alerts, unless their targets are refused.
func (b *batch) addAll(ctx context.Context, alerts []batchAlert) error {
	adds, results := make([]Addition, 0, len(alerts)), make([]*sendResult, 0, len(alerts))
	rows := 0
	flush := func() error {
		if len(adds) == 0 {
			return nil
		}
		err := b.add(ctx, adds, results)
		adds, results, rows = adds[:0], results[:0], 0
		return err
	}
	for _, a := range alerts {
		recipients, err := b.recipients(ctx, &a)
		if err != nil {
			return err
		}
		if a.result.outcome == outcomeRefused {
			continue
		}
		if rows > 0 && rows+1+len(recipients) > batchRows {
			if err := flush(); err != nil {
				return err
			}
		}
		add, err := b.addition(ctx, a.Alert, recipients, a.req.GetFailover())
		if err != nil {
			return err
		}
		add.KeepChanged = b.source != nil
		adds, results = append(adds, add), append(results, a.result)
		rows += 1 + len(add.Deliveries)
	}
	return flush()
}

// add records alerts in one commit, passes them to the dispatch loop and sets their results.
// Alerts of a caller that is gone are not recorded, but those that are recorded must be passed
// to the dispatch loop.
func (b *batch) add(ctx context.Context, adds []Addition, results []*sendResult) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	room, reserved := b.Loop.Reserve(adds)
	for i := range adds {
		if !reserved {
			adds[i].Retry = b.now
		}
	}
	all, err := b.Store.AddAlerts(context.WithoutCancel(ctx), adds)
	b.dispatchAll(room, reserved, all)
	if err != nil {
		return err
	}
	for i, added := range all {
		r := results[i]
		switch {
		case errors.Is(added.Err, fault.ErrExists):
			r.refuse("idempotency_key", "idempotency_key_reused", "the idempotency key was used for another alert")
			continue
		case errors.Is(added.Err, fault.ErrInvalid):
			r.refuseInvalid(added.Err)
			continue
		case added.Err != nil:
			return added.Err
		case added.Duplicate:
			r.outcome = outcomeRepeated
		case added.Changed:
			r.outcome = outcomeChanged
		default:
			r.outcome = outcomeRecorded
		}
		r.id, r.deliveries = added.Alert.ID, added.DeliveryCount()
	}
	return nil
}

// dispatchAll passes recorded alerts to the dispatch loop: those for which there is room, and
// otherwise the notification that they are due.
func (b *batch) dispatchAll(room Reservation, reserved bool, all []AddResult) {
	notify, keyed := !reserved, false
	recorded := make([]Added, 0, len(all))
	for _, added := range all {
		if added.Err != nil || added.Duplicate {
			continue
		}
		b.countSilenced(added.Added)
		notify, keyed = notify || added.changesOthers(), keyed || added.Alert.AlertKey != ""
		if !added.Alert.Resolved {
			recorded = append(recorded, added.Added)
		}
	}
	if notify {
		b.Loop.Notify()
	}
	if keyed {
		b.Incidents.Notify()
	}
	if reserved {
		b.Loop.EnqueueReserved(room, recorded)
	}
}

// recipients returns the recipients of an alert, or makes its result a refusal.
func (b *batch) recipients(ctx context.Context, a *batchAlert) ([]Recipient, error) {
	found := b.found[targetsKey(a.req.GetTarget())]
	if found.err != nil {
		a.result.refuseInvalid(found.err)
		return nil, nil //nolint:nilerr // the refusal is the result of the alert
	}
	if b.source != nil && !b.source.withoutRecipients {
		return b.sourceRecipients(ctx, a, found.res)
	}
	a.UnknownTargets, a.result.unknown = found.res.UnknownTargets, found.res.UnknownTargets
	if a.req.GetStrict() && len(a.UnknownTargets) > 0 {
		a.result.refuse("target", "unknown_target", "unknown target "+strings.Join(a.UnknownTargets, ", ")+" (strict)")
	}
	return found.res.Recipients, nil
}

// sourceRecipients returns the recipients of an alert of a source: those of its own targets
// or, if there are none, those of the default targets. If nobody is notified, the alert is
// refused: one recorded without deliveries would make the next one a duplicate.
func (b *batch) sourceRecipients(ctx context.Context, a *batchAlert, found LookupResult) ([]Recipient, error) {
	own := len(a.Targets) > 0
	if own {
		a.result.unknown = found.UnknownTargets
	}
	if own && len(found.Recipients) == 0 && !a.req.GetStrict() && len(b.source.fallback) > 0 {
		var err error
		if found, err = b.defaultRecipients(ctx); err != nil {
			return nil, err
		}
		a.Targets = slices.Concat(a.Targets, b.source.fallback)
		own = false
	}
	a.result.defaultTarget = !own
	if !own && len(a.Targets) == 0 {
		a.Targets = b.source.fallback
	}
	a.UnknownTargets = slices.Clone(a.result.unknown)
	if !own {
		a.UnknownTargets = append(a.UnknownTargets, found.UnknownTargets...)
	}
	if len(found.Recipients) > 0 && (!a.req.GetStrict() || len(a.UnknownTargets) == 0) {
		return found.Recipients, nil
	}
	text := "its targets have no addresses"
	if len(a.UnknownTargets) > 0 {
		text = "unknown target " + strings.Join(a.UnknownTargets, ", ")
	}
	a.result.refuse("target", "unknown_target", text)
	return nil, nil
}

// defaultRecipients returns the recipients of the default targets.
func (b *batch) defaultRecipients(ctx context.Context) (LookupResult, error) {
	key := targetsKey(b.source.fallback)
	l, ok := b.found[key]
	if !ok {
		l = &batchLookup{targets: b.source.fallback}
		if err := b.run(ctx, l); err != nil {
			return LookupResult{}, err
		}
		b.found[key] = l
	}
	return l.res, nil
}
