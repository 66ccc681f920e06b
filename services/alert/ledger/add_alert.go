package ledger

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A pendingAdd is an alert with its deliveries, all of which have ids.
type pendingAdd struct {
	alert      alert.Alert
	deliveries []alert.Delivery
	nextTime   time.Time

	rank   job.Rank
	order  int64 // its order under its alert key; 0 without a key
	update int64 // the order of the last update of its incident, up to this alert
	change alert.IncidentChangeKind
	idle   bool          // it is acknowledged, and no incident of its key is open
	places []threadPlace // of its deliveries, if it has an alert key

	newKey       bool   // no earlier transaction recorded its alert key
	threadPrefix string // of its alert key

	keepChanged bool  // see alert.Addition
	changed     bool  // it has the changed key, because another request has the other one
	holder      int64 // the existing alert with the idempotency key, if any
	same        bool  // the existing alert was recorded for the same request

	callback        int64 // the id of its callback endpoint; 0 for none
	unknownCallback bool  // no callback endpoint has the name
}

func (a *pendingAdd) rows() int { return 1 + len(a.deliveries) }

// newPendingAdd returns an add whose alert has an id, and its deliveries the ids after it.
func newPendingAdd(id int64, a alert.Alert, ds []alert.Delivery, retry time.Time) *pendingAdd {
	a.ID = id
	firsts := map[int64]int64{0: 0} // by the chain number of the caller
	for i := range ds {
		d := &ds[i]
		d.ID = id + 1 + int64(i)
		if _, ok := firsts[d.Chain]; !ok {
			firsts[d.Chain] = d.ID
		}
		d.Chain = firsts[d.Chain]
	}
	return &pendingAdd{alert: a, deliveries: ds, nextTime: retry, rank: a.Rank()}
}

// recorded returns the result of an add that was written.
func (a *pendingAdd) recorded() alert.Added {
	for i, p := range a.places {
		p.apply(&a.alert, &a.deliveries[i])
	}
	return alert.Added{Alert: a.alert, Deliveries: a.deliveries}
}

// AddAlert records an alert with its deliveries, whose ids follow that of the alert. If ctx
// ends before it returns, they may be recorded nevertheless. The returned deliveries are ds.
func (s *Store) AddAlert(ctx context.Context, a alert.Alert, ds []alert.Delivery, retry time.Time) (alert.Added, error) {
	if err := checkAdd(a, ds); err != nil {
		return alert.Added{}, err
	}
	id, err := s.ids.take(ctx, 1+len(ds))
	if err != nil {
		return alert.Added{}, err
	}
	mine := newPendingAdd(id, a, ds, retry)
	if err := s.adds.Do(ctx, mine); err != nil {
		return alert.Added{}, err
	}
	if mine.unknownCallback {
		return alert.Added{}, errUnknownCallback(a.Callback)
	}
	if mine.holder == 0 {
		return mine.recorded(), nil
	}
	found, err := s.readAlerts(ctx, []int64{mine.holder})
	if err != nil {
		return alert.Added{}, err
	}
	return mine.duplicateOf(found[mine.holder])
}

// duplicateOf returns the alert that was recorded before under the idempotency key. It
// returns fault.ErrExists if that was recorded for another request.
func (a *pendingAdd) duplicateOf(found alert.Alert) (alert.Added, error) {
	if !a.same {
		err := fault.Existsf("the idempotency key %q was used for another request", a.alert.IdempotencyKey)
		return alert.Added{}, fault.WithReason(fault.WithResource(err, "idempotency key", a.alert.IdempotencyKey), "IDEMPOTENCY_KEY_REUSED")
	}
	found.IdempotencyKey, found.IdempotencyScope, found.RequestDigest = a.alert.IdempotencyKey, a.alert.IdempotencyScope, a.alert.RequestDigest
	return alert.Added{Alert: found, Duplicate: true}, nil
}

// checkAdd returns an error for an alert or a delivery that cannot be stored unchanged.
func checkAdd(a alert.Alert, ds []alert.Delivery) error {
	texts := append([]string{a.Severity, a.Message, a.StoredKey(), string(a.Trace), a.Source, a.Escalation}, append(slices.Clone(a.Targets), a.UnknownTargets...)...)
	if !isStorable(texts...) {
		return fault.Invalidf("alert: a text contains NUL or is not UTF-8")
	}
	if !isStorable(a.Callback) {
		return errUnknownCallback(a.Callback)
	}
	if !isStorable(a.AlertKey) || (a.Resolved || a.Acknowledged) && a.AlertKey == "" {
		return fault.Invalidf("alert: alert key contains NUL, is not UTF-8, or is missing in a resolved or acknowledged alert")
	}
	if a.Resolved && a.Acknowledged {
		return fault.Invalidf("alert: both resolved and acknowledged")
	}
	if a.ExpireTime.IsZero() {
		return fault.Invalidf("alert: expire time is not set")
	}
	chains := map[int64]bool{}
	for i, d := range ds {
		if !isStorable(d.Nickname, d.Messenger, d.Destination, d.CredentialFingerprint, d.Reason) {
			return fault.Invalidf("delivery %d: a text contains NUL or is not UTF-8", i)
		}
		completed := d.State.IsFinal()
		if d.State != alert.Queued && d.State != alert.Held && !completed || completed == d.EndTime.IsZero() {
			return fault.Invalidf("delivery %d: must be queued, held, or completed with an end time", i)
		}
		if d.Hold < alert.HoldNone || d.Hold > alert.HoldDigest || completed && d.Hold != alert.HoldNone {
			return fault.Invalidf("delivery %d: invalid hold, or completed with a hold", i)
		}
		if d.State == alert.Queued && (d.Hold == alert.HoldNone) != d.NextTime.IsZero() {
			return fault.Invalidf("delivery %d: a queued delivery needs a next time exactly if it is held back", i)
		}
		if behind := d.Chain != 0 && chains[d.Chain]; behind != (d.State == alert.Held) || behind && d.NextTime.IsZero() || completed && (d.Chain != 0 || !d.NextTime.IsZero()) {
			return fault.Invalidf("delivery %d: in a failover chain exactly the deliveries after the first are held, each until a time, and none is completed", i)
		}
		if (a.Resolved || a.Acknowledged) && d.Chain != 0 {
			return fault.Invalidf("delivery %d: a resolved or acknowledged alert cannot have failover chains", i)
		}
		chains[d.Chain] = true
	}
	return nil
}

// writeAdds inserts the alerts and deliveries of all calls.
func writeAdds(ctx context.Context, t *database.Tx, adds []*pendingAdd) error {
	adds, err := resolveCallbacks(ctx, t, adds)
	if err != nil {
		return err
	}
	adds, err = takeIdempotencyKeys(ctx, t, adds)
	if err != nil {
		return err
	}
	var now int64
	for _, a := range adds {
		now = max(now, micros(a.alert.CreateTime))
	}
	changes, unsettled, err := enterThreads(ctx, t, adds, now)
	if err != nil {
		return err
	}
	for some := range database.ChunkRows(t, adds, maxStatementRows) {
		if err := insertAlerts(t, some).run(ctx, t); err != nil {
			return err
		}
	}
	plain, ordered, rest := deliveriesOf(adds)
	for some := range database.ChunkRows(t, plain, maxStatementRows) {
		if err := insertPlain(t, some).run(ctx, t); err != nil {
			return err
		}
	}
	for some := range database.ChunkRows(t, ordered, maxStatementRows) {
		if err := insertOrdered(t, some).run(ctx, t); err != nil {
			return err
		}
	}
	for some := range database.ChunkRows(t, rest, maxStatementRows) {
		if err := insertOther(t, some).run(ctx, t); err != nil {
			return err
		}
	}
	if err := reportEnds(ctx, t, endedAtOnce(rest), now); err != nil {
		return err
	}
	if err := changes.write(ctx, t, now); err != nil {
		return err
	}
	if err := settleThreads(ctx, t, unsettled, nil, now); err != nil {
		return err
	}
	return insertIncidentChanges(ctx, t, adds)
}

// A statement is an SQL statement that writes, with its parameters.
type statement struct {
	text string
	args []any
}

// run executes the statement.
func (s statement) run(ctx context.Context, t *database.Tx) error {
	_, err := t.Exec(ctx, s.text, s.args...)
	return err
}

// The column types of inserted alerts, plain deliveries and other deliveries.
var (
	alertTypes = []string{"bigint", "jsonb", "jsonb", "text", "text", "bigint", "bigint", "text", "text"}
	plainTypes = []string{"bigint", "bigint", "text", "text", "bigint", "text", "bytea", "text", "bigint", "bigint", "bigint"}
	orderTypes = append(plainTypes[:len(plainTypes):len(plainTypes)], "text", "bigint")
	restTypes  = append(plainTypes[:len(plainTypes):len(plainTypes)], "text", "bigint", "bigint", "boolean", "boolean", "text", "bigint", "boolean", "bigint", "bigint", "bigint", "bigint")
)

// insertAlerts returns the statement that inserts alerts.
func insertAlerts(t *database.Tx, adds []*pendingAdd) statement {
	args := make([]any, 0, len(alertTypes)*len(adds))
	for _, a := range adds {
		args = append(args, a.alert.ID, encodeTargets(a.alert.Targets), encodeTargets(a.alert.UnknownTargets),
			a.alert.Severity, a.alert.Message, micros(a.alert.CreateTime), micros(a.alert.ExpireTime), encodeExtras(a.alert), string(a.alert.Trace))
	}
	rows, args := t.ValueRows(alertTypes, args)
	return statement{`INSERT` + orRollback(t) + ` INTO alerts (id, targets, "unknown", severity, message, create_time, expire_time, more, trace) ` + rows, args}
}

// insertPlain returns the statement that inserts plain deliveries.
func insertPlain(t *database.Tx, rows []deliveryRow) statement {
	return insertDeliveries(t, "", plainTypes, rows, deliveryRow.append)
}

// insertOrdered returns the statement that inserts plain deliveries that are first in their
// threads.
func insertOrdered(t *database.Tx, rows []deliveryRow) statement {
	return insertDeliveries(t, ", thread, thread_order", orderTypes, rows, deliveryRow.appendOrdered)
}

// insertOther returns the statement that inserts deliveries of any kind.
func insertOther(t *database.Tx, rows []deliveryRow) statement {
	return insertDeliveries(t, ", reason, end_time, chain, held, deferred, thread, thread_order, resolves, thread_kind, resume_time, callback, hold", restTypes, rows, deliveryRow.appendAll)
}

// insertDeliveries returns the statement that inserts rows, whose parameters add appends.
// columns are the columns beside those of a plain delivery.
func insertDeliveries(t *database.Tx, columns string, types []string, rows []deliveryRow, add func(deliveryRow, []any) []any) statement {
	args := make([]any, 0, len(types)*len(rows))
	for _, d := range rows {
		args = add(d, args)
	}
	values, args := t.ValueRows(types, args)
	return statement{`INSERT` + orRollback(t) + ` INTO deliveries
		(id, alert_id, nickname, messenger, rank, destination, credential, credential_key, state, next_time, expire_time` + columns + `) ` + values, args}
}

// A deliveryRow is a delivery to insert, with its call and its position in its thread.
type deliveryRow struct {
	*pendingAdd
	*alert.Delivery
	threadPlace
}

// isPlainDelivery reports whether a delivery is queued, not held back and in no failover chain,
// as most are.
// Deliveries of alerts with an alert key or a callback are not plain either; the caller checks that.
func isPlainDelivery(d *alert.Delivery) bool {
	return d.State == alert.Queued && d.Chain == 0 && d.Reason == "" && d.Hold == alert.HoldNone && d.ExpireTime.IsZero()
}

// deliveriesOf returns all deliveries, split into plain ones, those that are plain but for their
// thread, and the rest.
func deliveriesOf(adds []*pendingAdd) (plain, ordered, rest []deliveryRow) {
	for _, a := range adds {
		for i := range a.deliveries {
			switch d := &a.deliveries[i]; {
			case a.alert.AlertKey != "" && a.callback == 0 && a.isPlainUpdate() && a.places[i].isFree() && isPlainDelivery(d):
				ordered = append(ordered, deliveryRow{a, d, a.places[i]})
			case a.alert.AlertKey != "":
				rest = append(rest, deliveryRow{a, d, a.places[i]})
			case a.callback == 0 && isPlainDelivery(d):
				plain = append(plain, deliveryRow{a, d, threadPlace{}})
			default:
				rest = append(rest, deliveryRow{a, d, threadPlace{}})
			}
		}
	}
	return plain, ordered, rest
}

// isPlainUpdate reports whether the deliveries of an alert with a key have the default kind.
func (a *pendingAdd) isPlainUpdate() bool { return !a.alert.Resolved && a.threadKind() == updateKind }

// appendOrdered appends the parameters of a row of insertOrdered to args.
func (r deliveryRow) appendOrdered(args []any) []any {
	return append(r.append(args), r.thread, r.order)
}

// append appends the parameters of a plain row to args. The omitted columns have the right
// defaults for it.
func (r deliveryRow) append(args []any) []any {
	return append(r.begin(args), int(alert.Queued), micros(r.nextTime), micros(r.alert.ExpireTime))
}

// appendAll appends the parameters of any row to args.
func (r deliveryRow) appendAll(args []any) []any {
	p := r.placement()
	expire := r.ExpireTime
	if expire.IsZero() {
		expire = r.alert.ExpireTime
	}
	return append(r.begin(args), int(p.state), p.next, micros(expire), p.reason, p.end, r.Chain, p.held, p.deferred,
		r.thread, r.order, r.alert.Resolved, int(r.threadKind()), p.resume, r.callback, int(r.Hold))
}

// begin appends the parameters that all rows start with.
func (r deliveryRow) begin(args []any) []any {
	credential := r.SealedCredential
	if credential == nil {
		credential = []byte{} // nil would be NULL
	}
	return append(args, r.ID, r.alert.ID, r.Nickname, r.Messenger, int(r.rank), r.Destination, credential, r.CredentialFingerprint)
}

// encodeTargets returns targets as JSON, which cannot fail.
func encodeTargets(targets []string) string {
	text, err := json.Marshal(append([]string{}, targets...)) // no targets are [], not null
	if err != nil {
		panic(err)
	}
	return string(text)
}
