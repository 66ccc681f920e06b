package app

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/bongsu-project/bongsu/services/edge"
)

var _ edge.AuditMetrics = auditMetrics{}

// openAudit records the calls of the edge at the access service, if there is one. Where the edge
// knows no callers, calls that the ledger holds too are not recorded. The recorder ends after the
// port of the edge.
func (b *builder) openAudit(e *edge.Edge) error {
	if b.credentials == nil {
		return nil
	}
	entries, err := b.metrics.meter().Int64Counter("bongsu.edge.audit.entries",
		metric.WithDescription("Entries of the audit log, by result: recorded, or dropped because the access service did not store them."))
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	e.Audit = edge.NewAuditRecorder(e.Methods, b.credentials, e.Authorizer != nil, auditMetrics{entries}, b.config.Now, b.log)
	if b.accessFinder != nil {
		e.Audit.Off = b.accessFinder.missing
	}
	if e.Authorizer != nil {
		e.Authorizer.Refused = e.Audit.Refused
	}
	b.shutdownStages[stageEnqueue] = append(b.shutdownStages[stageEnqueue], e.Audit.Run)
	return nil
}

// auditMetrics counts audit entries.
type auditMetrics struct{ entries metric.Int64Counter }

// The options of auditMetrics by result.
var (
	auditRecorded = metric.WithAttributeSet(attribute.NewSet(attribute.String("result", "recorded")))
	auditDropped  = metric.WithAttributeSet(attribute.NewSet(attribute.String("result", "dropped")))
)

// AuditRecorded counts entries that were stored.
func (m auditMetrics) AuditRecorded(n int) {
	m.entries.Add(context.Background(), int64(n), auditRecorded)
}

// AuditDropped counts entries that were not stored.
func (m auditMetrics) AuditDropped(n int) {
	m.entries.Add(context.Background(), int64(n), auditDropped)
}
