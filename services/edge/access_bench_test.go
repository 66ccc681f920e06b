package edge_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/proto"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// BenchmarkAccess measures the cost of the permission and of the audit log for an alert: in the handler of
// the port, without a network and a store.
func BenchmarkAccess(b *testing.B) {
	body, err := proto.Marshal(&alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "down"})
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	for _, c := range []struct {
		name             string
		authorize, audit bool
	}{{"off", false, false}, {"authorized", true, false}, {"audited", true, true}} {
		b.Run(c.name, func(b *testing.B) {
			e := newEdge()
			e.Alerts = auditedAlerts{}
			methods := policies(b)
			if c.authorize {
				e.Authorizer = edge.NewAuthorizer(methods, log)
			}
			if c.audit {
				audit := &discardedAudit{}
				e.Audit = edge.NewAuditRecorder(methods, audit, true, audit, time.Now, log)
				go func() { _ = e.Audit.Run(b.Context()) }()
			}
			options, err := rpc.NewOptions(log, noop.NewMeterProvider(), edge.RESTRules)
			if err != nil {
				b.Fatal(err)
			}
			handler, err := rpc.Listener{Services: e.Services(e.Options(options)), Stages: e.Stages()}.Handler()
			if err != nil {
				b.Fatal(err)
			}
			ctx := auth.WithCaller(b.Context(), auth.Caller{ID: "0123456789", Name: "checkout", Roles: []string{"sender"}})
			b.ReportAllocs()
			for b.Loop() {
				req := httptest.NewRequestWithContext(ctx, http.MethodPost, alertv1connect.AlertServiceSendAlertProcedure, bytes.NewReader(body))
				req.Header.Set("Content-Type", "application/proto")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, req)
				if w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}

// discardedAudit is an audit log that stores nothing.
type discardedAudit struct{ recordedAudit }

func (*discardedAudit) RecordAuditEntries(context.Context, *accessv1.RecordAuditEntriesRequest) (*accessv1.RecordAuditEntriesResponse, error) {
	return &accessv1.RecordAuditEntriesResponse{}, nil
}
