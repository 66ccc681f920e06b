package edge

import (
	"log/slog"
	"testing"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// TestEveryServiceHasAWord checks that --service-limit reaches every service of the edge.
func TestEveryServiceHasAWord(t *testing.T) {
	options, err := rpc.NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), RESTRules)
	kittest.NoError(t, err)
	e := Edge{
		Groups: groupv1connect.UnimplementedGroupServiceHandler{}, Users: userv1connect.UnimplementedUserServiceHandler{},
		Alerts: alertv1connect.UnimplementedAlertServiceHandler{}, Messengers: messengerv1connect.UnimplementedMessengerServiceHandler{},
		Transfers: userv1connect.UnimplementedTransferServiceHandler{}, Endpoints: alertv1connect.UnimplementedCallbackEndpointServiceHandler{},
		Events: eventv1connect.UnimplementedEventServiceHandler{}, Inbox: inboxv1connect.UnimplementedInboxServiceHandler{}, Incidents: incidentv1connect.UnimplementedIncidentServiceHandler{},
		Silences: incidentv1connect.UnimplementedSilenceServiceHandler{}, Escalations: incidentv1connect.UnimplementedEscalationPolicyServiceHandler{},
		Monitors: monitorv1connect.UnimplementedMonitorServiceHandler{}, Heartbeats: monitorv1connect.UnimplementedHeartbeatServiceHandler{}, Maintenances: monitorv1connect.UnimplementedMaintenanceServiceHandler{}, Intake: &IntakeHandler{}, Callbacks: &CallbackHandler{},
	}
	for _, service := range e.Services(options) {
		if serviceWords[service.Name()] == "" {
			t.Errorf("%s has no service in serviceWords", service.Name())
		}
	}
}
