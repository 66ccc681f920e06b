package app

import (
	"context"
	"net/http"

	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bongsu-project/bongsu/gen/openapi"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// runEdge runs the edge in this process.
func (b *builder) runEdge(ctx context.Context) error {
	sources, err := b.config.intake.Sources()
	if err != nil {
		return err
	}
	methods, err := policy.NewTable(protoregistry.GlobalFiles)
	if err != nil {
		return err
	}
	requests, err := b.metrics.requestMetrics(methods)
	if err != nil {
		return err
	}
	e := edge.Edge{
		Groups: b.groups, Users: b.users, Alerts: b.alerts, Messengers: b.messengers, Transfers: b.transfers,
		Access:    edge.AccessHandler{AccessServiceClient: b.access, Bans: edge.NoBans{}},
		Intake:    &edge.IntakeHandler{Sources: sources, Dispatch: b.dispatch, Metrics: b.metrics, Log: b.log},
		Callbacks: &edge.CallbackHandler{Dispatch: b.dispatch},
		Methods:   methods, CallTimeout: b.config.Edge.CallTimeout,
		AccessLog: b.accessLog(), Requests: requests,
	}
	if err := b.openAudit(&e, methods); err != nil {
		return err
	}
	return b.listen(ctx, stageServe, Edge, rpc.Listener{
		Services: e.Services(b.rpc.With(e.Interceptors()...)),
		Stages:   e.Stages(),
		Ready:    allReady(b.ready),
		Handlers: map[string]http.Handler{"GET /openapi.yaml": http.HandlerFunc(serveOpenAPI)},
	})
}

// accessLog returns the access log of the edge.
func (b *builder) accessLog() edge.AccessLog {
	if b.config.Edge.AccessLog == edge.AccessLogOff {
		return edge.AccessLog{}
	}
	return edge.AccessLog{Lines: b.config.AccessLines, All: b.config.Edge.AccessLog == edge.AccessLogAll}
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openapi.YAML) // a write error means that the caller has gone
}
