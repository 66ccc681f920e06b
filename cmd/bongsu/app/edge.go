package app

import (
	"context"
	"net/http"

	"github.com/bongsu-project/bongsu/gen/openapi"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// runEdge runs the edge in this process.
func (b *builder) runEdge(ctx context.Context) error {
	sources, err := b.config.intake.Sources()
	if err != nil {
		return err
	}
	responses, err := b.openResponseCache()
	if err != nil {
		return err
	}
	e := edge.Edge{
		Groups: b.groups, Users: b.users, Alerts: b.alerts, Messengers: b.messengers, Transfers: b.transfers,
		Intake:    &edge.IntakeHandler{Sources: sources, Dispatch: b.dispatch, Metrics: b.metrics, Log: b.log},
		Callbacks: &edge.CallbackHandler{Dispatch: b.dispatch},
		Cache:     responses,
	}
	return b.listen(ctx, stageServe, Edge, rpc.Listener{
		Services: e.Services(b.rpc.With(e.Interceptors()...)),
		Stages:   e.Stages(),
		Ready:    allReady(b.ready),
		Handlers: map[string]http.Handler{"GET /openapi.yaml": http.HandlerFunc(serveOpenAPI)},
	})
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openapi.YAML) // a write error means that the caller has gone
}
