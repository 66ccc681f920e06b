package app

import (
	"context"
	"crypto/rand"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/incident"
	incidentstore "github.com/bongsu-project/bongsu/services/incident/store"
)

// runIncident runs the incident service in this process.
//
// SilenceService, SilenceFeedService and EscalationPolicyService belong here too. They have no
// handlers yet, and their calls fail with unimplemented: the handlers take the place of the
// Unimplemented ones, and join the list of services below.
func (b *builder) runIncident(ctx context.Context) error {
	store, err := incidentstore.Open(ctx, b.config.Incident.DatabaseURL)
	if err != nil {
		return err
	}
	b.closeLater("the incident database", store.Close)
	if err := b.metrics.registerIncidents(store, b.config.Now, b.log); err != nil {
		return err
	}
	hub := incident.NewHub(store, b.stopping.Done(), b.log)
	alerts := incident.AlertClient{Service: b.dispatch}
	notifier := incident.NewNotifier(store, alerts, b.config.Now, b.log)
	follower := &incident.Follower{
		Changes: store, Feed: alerts, Holder: rand.Text(), Alone: !store.IsShared(), Now: b.config.Now, Log: b.log,
		Changed: func() {
			hub.Changed()
			notifier.Notify()
		},
	}
	incidents := &incident.Handler{Incidents: store, Hub: hub, Notify: notifier.Notify, Now: b.config.Now}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], hub.Run, notifier.Run, follower.Run)
	b.runIncidentRetention(store)
	b.incidents = incidents
	b.silences = incidentv1connect.UnimplementedSilenceServiceHandler{}
	policies := &incident.EscalationPolicyHandler{Policies: store, Resolver: b.alerts, Now: b.config.Now}
	b.escalations = policies
	escalations := &incident.EscalationLoop{Escalations: store, Notify: incidents.Notify, Now: b.config.Now, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], escalations.Run)
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, stageServe, Incident, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, incidentv1connect.NewIncidentServiceHandler, incidentv1connect.IncidentServiceHandler(incidents)),
			rpc.Public(b.rpc, incidentv1connect.NewEscalationPolicyServiceHandler, incidentv1connect.EscalationPolicyServiceHandler(policies)),
		},
		Ready: store.Ping,
	})
}

// connectIncident connects to an incident service in another process. An edge is ready without
// one.
func (b *builder) connectIncident() {
	b.incidents = edge.IncidentRelay{IncidentServiceClient: incidentv1connect.NewIncidentServiceClient(b.client, balance.BaseURL, b.clientOptions(Incident))}
	b.silences = incidentv1connect.NewSilenceServiceClient(b.client, balance.BaseURL, b.clientOptions(Incident))
	b.escalations = incidentv1connect.NewEscalationPolicyServiceClient(b.client, balance.BaseURL, b.clientOptions(Incident))
}

// runIncidentRetention runs the retention of incidents, unless they are kept forever.
func (b *builder) runIncidentRetention(incidents incident.Store) {
	if b.config.incidentRetention == 0 {
		return
	}
	r := &incident.Retention{Incidents: incidents, Retention: b.config.incidentRetention, OnDelete: b.metrics.DeletedIncidents, Now: b.config.Now, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], r.Run)
}
