package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/telemetry"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/sender"
)

var (
	_ sender.Metrics     = (*metrics)(nil)
	_ edge.IntakeMetrics = (*metrics)(nil)
	_ edge.AuthMetrics   = (*metrics)(nil)
)

// meterName is the OpenTelemetry instrumentation scope.
const meterName = "github.com/bongsu-project/bongsu"

// metrics holds the instruments of the process.
type metrics struct {
	*telemetry.Metrics

	attempts, waits, pauses       metric.Float64Histogram
	deferrals, refusals, breakers metric.Int64Counter
	open                          metric.Int64UpDownCounter

	heldBack, silenced metric.Int64Counter

	alertsDeleted, deliveriesDeleted, entriesDeleted, itemsDeleted, incidentsDeleted metric.Int64Counter

	intakeAlerts, intakeRefusals, intakeProblems metric.Int64Counter

	authRefusals metric.Int64Counter

	options sync.Map // metric.MeasurementOption by label
}

func newMetrics() (*metrics, error) {
	all, err := telemetry.NewMetrics()
	if err != nil {
		return nil, err
	}
	m := &metrics{Metrics: all}
	if err := m.instruments(m.meter()); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

// meter returns the meter of the instruments.
func (m *metrics) meter() metric.Meter { return m.Provider().Meter(meterName) }

// instruments creates the instruments.
func (m *metrics) instruments(meter metric.Meter) error {
	var errs []error
	seconds := func(name, description string) metric.Float64Histogram {
		h, err := meter.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description))
		errs = append(errs, err)
		return h
	}
	count := func(name, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithDescription(description))
		errs = append(errs, err)
		return c
	}
	m.attempts = seconds("bongsu.sender.attempt.duration", "Duration of calls to providers, by messenger and outcome.")
	m.waits = seconds("bongsu.sender.wait.duration", "Time that claimed deliveries waited in a sender for their slot, by messenger.")
	m.pauses = seconds("bongsu.sender.pause.duration", "Duration of pauses that providers asked for, by messenger.")
	m.deferrals = count("bongsu.sender.deferrals", "Deliveries deferred to a later time, by messenger and reason.")
	m.refusals = count("bongsu.sender.refusals", "Credentials refused by their provider, by messenger.")
	m.breakers = count("bongsu.sender.breaker.changes", "State changes of the breakers of credentials, by messenger and new state.")
	m.heldBack = count("bongsu.alert.deliveries.held.back", "Deliveries held back to be sent with others as one message, by messenger and hold: quiet_hours or digest.")
	m.silenced = count("bongsu.alert.deliveries.silenced", "Deliveries that this process recorded as canceled by a silence, by messenger.")
	m.alertsDeleted = count("bongsu.alert.alerts.forgotten", "Alerts that this process deleted after their retention.")
	m.deliveriesDeleted = count("bongsu.alert.deliveries.forgotten", "Deliveries that this process deleted with their alerts after their retention.")
	m.entriesDeleted = count("bongsu.access.audit.entries.deleted", "Entries of the audit log that this process deleted after their retention.")
	m.itemsDeleted = count("bongsu.inbox.items.deleted", "Items of inboxes that this process deleted after their retention.")
	m.incidentsDeleted = count("bongsu.incident.incidents.deleted", "Incidents that this process deleted after their retention.")
	m.intakeAlerts = count("bongsu.intake.alerts", "Alerts received by intake, by source and outcome: recorded, repeated, changed or refused.")
	m.intakeRefusals = count("bongsu.intake.refusals", "Alerts and requests refused by intake, by source and reason: nobody was notified.")
	m.intakeProblems = count("bongsu.intake.problems", "Parts of intake alerts that could not be used, by source and reason: the alert was sent.")
	m.authRefusals = count("bongsu.edge.auth.refusals", "Requests with credentials that the edge did not accept, by reason.")
	open, err := meter.Int64UpDownCounter("bongsu.sender.breakers.open", metric.WithDescription("Credentials whose breaker is not closed in this process, by messenger."))
	m.open = open
	return errors.Join(append(errs, err)...)
}

func messengerAttributes(messengerName string, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(append(more, attribute.String("messenger", messengerName))...)
}

// A label is a second attribute beside the messenger, or none. Its values are few.
type label struct{ messenger, name, value string }

// attributesWithLabel returns the option for a messenger and a label. It is cached, because building
// one takes longer than recording.
func (m *metrics) attributesWithLabel(messengerName, name, value string) metric.MeasurementOption {
	l := label{messengerName, name, value}
	option, ok := m.options.Load(l)
	if !ok {
		var more []attribute.KeyValue
		if name != "" {
			more = append(more, attribute.String(name, value))
		}
		option, _ = m.options.LoadOrStore(l, messengerAttributes(messengerName, more...))
	}
	return option.(metric.MeasurementOption) //nolint:forcetypeassert // the map holds this type only
}

// Attempted records the duration of an attempt.
func (m *metrics) Attempted(messengerName string, o messenger.Outcome, took time.Duration) {
	m.attempts.Record(context.Background(), took.Seconds(), m.attributesWithLabel(messengerName, "outcome", o.Kind.String()))
}

// Waited records how long a delivery waited for its slot.
func (m *metrics) Waited(messengerName string, wait time.Duration) {
	m.waits.Record(context.Background(), wait.Seconds(), m.attributesWithLabel(messengerName, "", ""))
}

// Deferred counts a deferral.
func (m *metrics) Deferred(messengerName, why string) {
	m.deferrals.Add(context.Background(), 1, m.attributesWithLabel(messengerName, "reason", why))
}

// Paused records the duration of a pause.
func (m *metrics) Paused(messengerName string, wait time.Duration) {
	m.pauses.Record(context.Background(), wait.Seconds(), messengerAttributes(messengerName))
}

// Refused counts a refused credential.
func (m *metrics) Refused(messengerName string) {
	m.refusals.Add(context.Background(), 1, messengerAttributes(messengerName))
}

// BreakerChanged counts a state change of a breaker.
func (m *metrics) BreakerChanged(messengerName, from, to string) {
	m.breakers.Add(context.Background(), 1, m.attributesWithLabel(messengerName, "state", to))
	switch {
	case from == "closed":
		m.open.Add(context.Background(), 1, messengerAttributes(messengerName))
	case to == "closed":
		m.open.Add(context.Background(), -1, messengerAttributes(messengerName))
	}
}

// HeldBack counts a held-back delivery.
func (m *metrics) HeldBack(messengerName string, why alert.Hold) {
	m.heldBack.Add(context.Background(), 1, m.attributesWithLabel(messengerName, "hold", why.String()))
}

// Silenced counts a silenced delivery.
func (m *metrics) Silenced(messengerName string) {
	m.silenced.Add(context.Background(), 1, m.attributesWithLabel(messengerName, "", ""))
}

// Deleted counts deleted alerts and deliveries.
func (m *metrics) Deleted(d alert.Deletion) {
	m.alertsDeleted.Add(context.Background(), int64(d.Alerts))
	m.deliveriesDeleted.Add(context.Background(), int64(d.Deliveries))
}

// DeletedEntries counts deleted entries of the audit log.
func (m *metrics) DeletedEntries(n int) { m.entriesDeleted.Add(context.Background(), int64(n)) }

// DeletedItems counts deleted items of inboxes.
func (m *metrics) DeletedItems(n int) { m.itemsDeleted.Add(context.Background(), int64(n)) }

// DeletedIncidents counts deleted incidents.
func (m *metrics) DeletedIncidents(n int) { m.incidentsDeleted.Add(context.Background(), int64(n)) }

// Received counts intake alerts by their result.
func (m *metrics) Received(source, outcome string, n int) {
	m.intakeAlerts.Add(context.Background(), int64(n), metric.WithAttributes(attribute.String("source", source), attribute.String("outcome", outcome)))
}

// RefusedIntake counts a refused intake request or alert.
func (m *metrics) RefusedIntake(source, reason string) {
	m.intakeRefusals.Add(context.Background(), 1, metric.WithAttributes(attribute.String("source", source), attribute.String("reason", reason)))
}

// IntakeProblem counts a problem of an intake alert.
func (m *metrics) IntakeProblem(source, reason string) {
	m.intakeProblems.Add(context.Background(), 1, metric.WithAttributes(attribute.String("source", source), attribute.String("reason", reason)))
}

// RefusedCredential counts a request whose credentials were not accepted.
func (m *metrics) RefusedCredential(reason string) {
	m.authRefusals.Add(context.Background(), 1, metric.WithAttributes(attribute.String("reason", reason)))
}
