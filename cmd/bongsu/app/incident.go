package app

import (
	"context"
	"crypto/rand"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/kit/balance"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/incident"
	incidentstore "github.com/bongsu-project/bongsu/services/incident/store"
)

// runIncident runs the incident service in this process.
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
	policies := &incident.EscalationPolicyHandler{Policies: store, Resolver: b.alerts, Now: b.config.Now}
	escalations := &incident.EscalationLoop{Escalations: store, Notify: incidents.Notify, Now: b.config.Now, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], escalations.Run)
	silenceHub := incident.NewSilenceHub(store, store.IsShared(), b.stopping.Done())
	silences := &incident.SilenceHandler{Silences: store, Hub: silenceHub, Alerts: incident.AlertListClient{Service: b.alerts}, Now: b.config.Now}
	feed := &incident.SilenceFeedHandler{Silences: store, Hub: silenceHub, Now: b.config.Now}
	b.followSilences(feed)
	b.silences, b.escalations = silences, policies
	b.ready = append(b.ready, store.Ping)
	return b.listen(ctx, stageServe, Incident, rpc.Listener{
		Services: []rpc.Service{
			rpc.Public(b.rpc, incidentv1connect.NewIncidentServiceHandler, incidentv1connect.IncidentServiceHandler(incidents)),
			rpc.Public(b.rpc, incidentv1connect.NewEscalationPolicyServiceHandler, incidentv1connect.EscalationPolicyServiceHandler(policies)),
			rpc.Public(b.rpc, incidentv1connect.NewSilenceServiceHandler, incidentv1connect.SilenceServiceHandler(silences)),
			rpc.Internal(b.rpc, incidentv1connect.NewSilenceFeedServiceHandler, incidentv1connect.SilenceFeedServiceHandler(feed)),
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
	b.followSilences(incidentv1connect.NewSilenceFeedServiceClient(b.client, balance.BaseURL, b.clientOptions(Incident)))
}

// followSilences keeps the silences of the alert service, if this process runs it, as the feed of the
// incident service has them.
func (b *builder) followSilences(feed incidentv1connect.SilenceFeedServiceClient) {
	if b.silenceSet == nil {
		return
	}
	f := &alert.SilenceFollower{Feed: alert.SilenceClient{Service: feed, Log: b.log}, Set: b.silenceSet, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], f.Run)
}

// runIncidentRetention runs the retention of incidents, unless they are kept forever.
func (b *builder) runIncidentRetention(incidents incident.Store) {
	if b.config.incidentRetention == 0 {
		return
	}
	r := &incident.Retention{Incidents: incidents, Retention: b.config.incidentRetention, OnDelete: b.metrics.DeletedIncidents, Now: b.config.Now, Log: b.log}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], r.Run)
}
