package app

import (
	"context"
	"maps"
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
	bans, err := b.openBans()
	if err != nil {
		return err
	}
	admission, err := b.newAdmission(bans)
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
	responses, err := b.openResponseCache()
	if err != nil {
		return err
	}
	e := edge.Edge{
		Groups: b.groups, Users: b.users, Alerts: b.alerts, Messengers: b.messengers, Transfers: b.transfers,
		Access:    edge.AccessHandler{AccessServiceClient: b.access, Bans: bans},
		Intake:    &edge.IntakeHandler{Sources: sources, Dispatch: b.dispatch, Metrics: b.metrics, Now: b.config.Now, Log: b.log, CallersOnly: b.config.Edge.Auth == edge.AuthRequired},
		Registry:  &edge.RegistryHandler{Instances: b.balancer},
		Callbacks: &edge.CallbackHandler{Dispatch: b.dispatch},
		Endpoints: b.callbacks, Events: b.events, Inbox: b.inbox, Incidents: b.incidents, Silences: b.silences, Escalations: b.escalations,
		Monitors: b.monitors, Heartbeats: b.heartbeats, Maintenances: b.maintenances,
		Methods: methods, CallTimeout: b.config.Edge.CallTimeout,
		AccessLog: b.accessLog(), Requests: requests,
		Admission: admission, Cache: responses,

		Authenticator: b.newAuthenticator(),
	}
	page, err := b.newAckPage()
	if err != nil {
		return err
	}
	status := b.newStatusPage()
	if e.Authenticator != nil {
		e.Authorizer = edge.NewAuthorizer(methods, b.log)
		e.Authorizer.SelfVerified = e.Intake.IsSigned
		if page != nil {
			e.Authorizer.SignedPath = page.IsSigned
		}
		if status != nil {
			e.Authorizer.OpenPaths = status.OpenPaths()
		}
	}
	if err := b.openAudit(&e); err != nil {
		return err
	}
	handlers := map[string]http.Handler{"GET /openapi.yaml": http.HandlerFunc(serveOpenAPI)}
	if page != nil {
		page.Audit = e.Audit
		maps.Copy(handlers, page.Handlers())
	}
	if status != nil {
		maps.Copy(handlers, status.Handlers())
	}
	options := e.Options(b.rpc)
	joined, err := b.openJoined(ctx, e, options)
	if err != nil {
		return err
	}
	return b.listen(ctx, stageServe, Edge, rpc.Listener{
		Services: e.Services(options),
		Joined:   joined.Services(),
		Stages:   e.Stages(),
		Ready:    allReady(b.ready),
		Handlers: handlers,
	})
}

// newAckPage returns the page of acknowledgment links, or nil if there are none.
func (b *builder) newAckPage() (*edge.AckPage, error) {
	keys, err := b.openLinkKeys()
	if err != nil || keys == nil {
		return nil, err
	}
	return &edge.AckPage{Incidents: b.incidents, Keys: keys, Now: b.config.Now, Log: b.log}, nil
}

// newStatusPage returns the public status page, or nil if there is none.
func (b *builder) newStatusPage() *edge.StatusPage {
	if !b.config.Edge.StatusPage {
		return nil
	}
	return &edge.StatusPage{Monitors: b.statusPage, Now: b.config.Now, Log: b.log}
}

// accessLog returns the access log of the edge.
func (b *builder) accessLog() edge.AccessLog {
	if b.config.Edge.AccessLog == edge.AccessLogOff {
		return edge.AccessLog{}
	}
	return edge.AccessLog{Lines: b.config.AccessLines, All: b.config.Edge.AccessLog == edge.AccessLogAll}
}

// newAdmission returns the admission of the edge, with its metrics.
func (b *builder) newAdmission(bans bannedAddresses) (*edge.Admission, error) {
	measured, err := b.metrics.newAdmissionMetrics()
	if err != nil {
		return nil, err
	}
	admission, err := edge.NewAdmission(b.config.Edge.Admission, edge.AdmissionDependencies{Bans: bans, Metrics: measured, Now: b.config.Now, Log: b.log})
	if err != nil {
		return nil, err
	}
	return admission, measured.observe(admission.Counts, bans.Len)
}

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openapi.YAML) // a write error means that the caller has gone
}
