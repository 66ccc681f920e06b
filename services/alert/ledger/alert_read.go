package ledger

import (
	"context"
	"slices"
	"strconv"

	entsql "entgo.io/ent/dialect/sql"

	ent "github.com/bongsu-project/bongsu/gen/ent/ledger"
	entalert "github.com/bongsu-project/bongsu/gen/ent/ledger/alert"
	entdelivery "github.com/bongsu-project/bongsu/gen/ent/ledger/delivery"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/telemetry"
	"github.com/bongsu-project/bongsu/services/alert"
)

// Alert returns an alert, its deliveries and their attempts, from one snapshot of the database.
func (s *Store) Alert(ctx context.Context, id int64) (a alert.Alert, ds []alert.Delivery, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		client := ent.NewClient(ent.Driver(t.Driver()))
		row, err := client.Alert.Get(ctx, id)
		if ent.IsNotFound(err) {
			return errNoAlert(id)
		}
		if err != nil {
			return err
		}
		rows, err := client.Delivery.Query().Where(entdelivery.AlertID(id)).Order(entdelivery.ByID()).All(ctx)
		if err != nil {
			return err
		}
		attempts, err := selectAttempts(ctx, t, `delivery_id IN (SELECT id FROM deliveries WHERE alert_id = ?)`, id)
		if err != nil {
			return err
		}
		a, err = toAlert(row)
		ds = toDeliveries(rows, attempts)
		for _, d := range ds {
			a.Counts[d.State]++
		}
		return err
	})
	return a, ds, err
}

// readAlerts returns alerts without their deliveries, by id. It runs two statements, and one
// more for each thousand alerts; without ids it runs none. It returns fault.ErrNotFound if one does not exist.
func (s *Store) readAlerts(ctx context.Context, ids []int64) (map[int64]alert.Alert, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all := make(map[int64]alert.Alert, len(ids))
	err := s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		client := ent.NewClient(ent.Driver(t.Driver()))
		rows, err := client.Alert.Query().Where(entalert.IDIn(ids...)).All(ctx)
		if err != nil {
			return err
		}
		found, err := toAlerts(ctx, client, rows)
		for _, a := range found {
			all[a.ID] = a
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if _, ok := all[id]; !ok {
			return nil, errNoAlert(id)
		}
	}
	return all, nil
}

// Alerts returns alerts, newest first. It runs two statements, and one more for each thousand
// alerts.
func (s *Store) Alerts(ctx context.Context, q alert.AlertQuery) (alerts []alert.Alert, err error) {
	if q.Limit < 1 {
		return nil, fault.Invalidf("limit must be at least 1")
	}
	err = s.db.Read(ctx, func(ctx context.Context, t *database.Tx) error {
		client := ent.NewClient(ent.Driver(t.Driver()))
		query := alertQuery(client, q)
		if q.Nickname != "" && q.State == 0 {
			ids, err := selectNotifiedAlerts(ctx, t, q)
			if err != nil {
				return err
			}
			query.Where(entalert.IDIn(ids...))
		}
		rows, err := query.All(ctx)
		if err != nil {
			return err
		}
		alerts, err = toAlerts(ctx, client, rows)
		return err
	})
	return alerts, err
}

// toAlerts returns alerts with their counts, in the order of rows.
func toAlerts(ctx context.Context, client *ent.Client, rows []*ent.Alert) (alerts []alert.Alert, err error) {
	alerts = make([]alert.Alert, len(rows))
	at := make(map[int64]int, len(rows))
	for i, row := range rows {
		if alerts[i], err = toAlert(row); err != nil {
			return nil, err
		}
		at[row.ID] = i
	}
	for some := range slices.Chunk(rows, 1000) {
		counts, err := count(ctx, client, some)
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			alerts[at[c.AlertID]].Counts[c.state()] += c.Count
		}
	}
	return alerts, nil
}

// alertQuery returns the query for the alerts that match q.
func alertQuery(client *ent.Client, q alert.AlertQuery) *ent.AlertQuery {
	alerts := client.Alert.Query().Order(entalert.ByID(entsql.OrderDesc())).Limit(q.Limit)
	if q.Before > 0 {
		alerts.Where(entalert.IDLT(q.Before))
	}
	if q.Severity != "" {
		alerts.Where(entalert.Severity(q.Severity))
	}
	if !q.From.IsZero() {
		alerts.Where(entalert.CreateTimeGTE(micros(q.From)))
	}
	if !q.CreateBefore.IsZero() {
		alerts.Where(entalert.CreateTimeLT(micros(q.CreateBefore)))
	}
	switch q.State {
	case 0:
	case alert.Sent:
		alerts.Where(withSent)
	default:
		alerts.Where(withDelivery(inState(q.State)))
	}
	if q.Nickname != "" && q.State != 0 {
		alerts.Where(withDelivery(entsql.EQ(entdelivery.FieldNickname, q.Nickname)))
	}
	return alerts
}

// selectNotifiedAlerts returns the ids of a page of alerts with a delivery to a user, by the
// index of deliveries by user, newest first. It reads no more than the page, however many alerts
// the user has. The limit is part of the text, so that PostgreSQL uses it for planning.
func selectNotifiedAlerts(ctx context.Context, t *database.Tx, q alert.AlertQuery) ([]int64, error) {
	text, args := `SELECT alert_id FROM deliveries WHERE nickname = ?`, []any{q.Nickname}
	and := func(condition string, set bool, arg any) {
		if set {
			text, args = text+condition, append(args, arg)
		}
	}
	and(` AND alert_id < ?`, q.Before > 0, q.Before)
	text += ` AND EXISTS (SELECT 1 FROM alerts WHERE alerts.id = deliveries.alert_id`
	and(` AND severity = ?`, q.Severity != "", q.Severity)
	and(` AND create_time >= ?`, !q.From.IsZero(), micros(q.From))
	and(` AND create_time < ?`, !q.CreateBefore.IsZero(), micros(q.CreateBefore))
	return selectNumbers(ctx, t, text+`) GROUP BY alert_id ORDER BY alert_id DESC LIMIT `+strconv.Itoa(q.Limit), args...)
}

// withDelivery selects alerts with a delivery that matches a condition.
func withDelivery(condition *entsql.Predicate) func(*entsql.Selector) {
	return func(alerts *entsql.Selector) {
		deliveries := entsql.Dialect(alerts.Dialect()).Table(entdelivery.Table)
		alerts.Where(entsql.In(alerts.C(entalert.FieldID),
			entsql.Dialect(alerts.Dialect()).Select(entdelivery.FieldAlertID).From(deliveries).Where(condition)))
	}
}

// withSent selects alerts with a sent delivery. As most alerts have one, it looks up the
// deliveries alert by alert instead of reading all sent deliveries.
func withSent(alerts *entsql.Selector) {
	deliveries := entsql.Dialect(alerts.Dialect()).Table(entdelivery.Table)
	alerts.Where(entsql.Exists(entsql.Dialect(alerts.Dialect()).Select(deliveries.C(entdelivery.FieldID)).From(deliveries).Where(entsql.And(
		entsql.ColumnsEQ(deliveries.C(entdelivery.FieldAlertID), alerts.C(entalert.FieldID)),
		entsql.EQ(deliveries.C(entdelivery.FieldState), int(alert.Sent)),
	))))
}

// inState returns the condition for deliveries in a state. It repeats the conditions of the
// partial indexes, by which the databases recognize that they can use them.
func inState(state alert.State) *entsql.Predicate {
	switch {
	case state == alert.Held:
		return entsql.ExprP(isQueued + " AND held")
	case state == alert.Queued:
		return entsql.ExprP(isQueued + " AND NOT held")
	case state >= alert.Failed:
		return entsql.ExprP("state = " + strconv.Itoa(int(state)) + " AND " + isUnsent)
	default:
		return entsql.ExprP("state = " + strconv.Itoa(int(state)))
	}
}

// A stateCount is the number of deliveries of an alert in a state.
type stateCount struct {
	AlertID int64 `json:"alert_id"`
	State   int   `json:"state"`
	Held    bool  `json:"held"`
	Count   int   `json:"count"`
}

func (c stateCount) state() alert.State { return deliveryState(alert.State(c.State), c.Held) }

// count returns the numbers of deliveries of alerts by state.
func count(ctx context.Context, client *ent.Client, alerts []*ent.Alert) (counts []stateCount, err error) {
	ids := make([]int64, len(alerts))
	for i, a := range alerts {
		ids[i] = a.ID
	}
	err = client.Delivery.Query().Where(entdelivery.AlertIDIn(ids...)).
		GroupBy(entdelivery.FieldAlertID, entdelivery.FieldState, entdelivery.FieldHeld).Aggregate(ent.Count()).Scan(ctx, &counts)
	return counts, err
}

func toAlert(row *ent.Alert) (alert.Alert, error) {
	a := alert.Alert{
		ID:             row.ID,
		Targets:        row.Targets,
		UnknownTargets: row.Unknown,
		Severity:       row.Severity,
		Message:        row.Message,
		CreateTime:     fromMicros(row.CreateTime),
		ExpireTime:     fromMicros(row.ExpireTime),
		Trace:          telemetry.TraceContext(row.Trace),
	}
	return a, decodeExtras(row.More, &a)
}

// toDeliveries joins deliveries with their attempts; both are sorted by delivery.
func toDeliveries(rows []*ent.Delivery, attempts []attemptRow) []alert.Delivery {
	ds := make([]alert.Delivery, len(rows))
	for i, row := range rows {
		ds[i] = alert.Delivery{
			ID:                    row.ID,
			Nickname:              row.Nickname,
			Messenger:             row.Messenger,
			SealedCredential:      row.Credential,
			CredentialFingerprint: row.CredentialKey,
			Destination:           row.Destination,
			State:                 deliveryState(alert.State(row.State), row.Held),
			EndTime:               fromMicros(row.EndTime),
			Chain:                 row.Chain,
			Receipt: alert.Receipt{
				MessageID: row.ReceiptMessage,
				Status:    row.ReceiptStatus,
				Code:      row.ReceiptCode,
				Time:      fromMicros(row.ReceiptTime),
				Final:     row.ReceiptFinal,
				Failed:    row.ReceiptFailed,
			},
		}
		if ds[i].State.IsFinal() {
			ds[i].Reason = row.Reason
		} else {
			ds[i].Hold = alert.Hold(row.Hold)
			if row.State == int8(alert.Queued) && row.Deferred && row.ResumeTime == 0 {
				ds[i].NextTime = fromMicros(min(row.NextTime, row.ExpireTime))
			}
		}
		for len(attempts) > 0 && attempts[0].delivery == row.ID {
			ds[i].Attempts = append(ds[i].Attempts, attempts[0].toAttempt())
			attempts = attempts[1:]
		}
	}
	return ds
}

// errNoAlert returns the error of an alert that does not exist.
func errNoAlert(id int64) error {
	return fault.WithResource(fault.NotFoundf("alert %d not found", id), "alert", id)
}
