// Package edge is the service that all public callers use: it serves every public
// endpoint on one port, by every protocol, and forwards each call to the service that
// owns the resource. It applies no rule of those services.
package edge

import (
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1/callbackv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1/intakev1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// An Edge forwards calls. Each field is the other service's handler within one
// process, and a generated client across processes: for unary calls they have the
// same methods.
type Edge struct {
	Groups     groupv1connect.GroupServiceClient
	Users      userv1connect.UserServiceClient
	Alerts     alertv1connect.AlertServiceHandler // an AlertRelay across processes, because of the stream WatchAlert
	Messengers messengerv1connect.MessengerServiceClient
	Intake     *IntakeHandler
	Callbacks  *CallbackHandler
	Transfers  userv1connect.TransferServiceClient
	Access     AccessHandler
	Registry   *RegistryHandler
	Endpoints  alertv1connect.CallbackEndpointServiceClient
	Events     eventv1connect.EventServiceClient
	Inbox      inboxv1connect.InboxServiceHandler // an InboxRelay across processes, because of the stream Watch
	// Incidents is an IncidentRelay across processes, because of the stream WatchIncidents.
	Incidents   incidentv1connect.IncidentServiceHandler
	Silences    incidentv1connect.SilenceServiceClient
	Escalations incidentv1connect.EscalationPolicyServiceClient

	Monitors     monitorv1connect.MonitorServiceClient
	Heartbeats   monitorv1connect.HeartbeatServiceClient
	Maintenances monitorv1connect.MaintenanceServiceClient

	Authenticator *Authenticator // nil authenticates nobody
	Authorizer    *Authorizer    // nil allows everything to everybody
	Audit         *AuditRecorder // nil records no calls
	Methods       policy.Table   // the policies of the methods, for their timeouts
	CallTimeout   time.Duration  // of a unary method without a timeout in its policy; 0 ends no call
	AccessLog     AccessLog
	Requests      RequestMetrics // nil measures no requests, and writes no lines of them
	Admission     *Admission     // nil admits everything
	Cache         *ResponseCache // nil caches no responses
}

// Services returns the public services. UserInfo, DirectoryService, DispatchService,
// CredentialService, InboxDeliveryService, SilenceFeedService, MonitorRunService, MonitorSealService,
// StatusPageService and SystemValueService are internal services and are not among them.
func (e Edge) Services(o rpc.Options) []rpc.Service {
	return []rpc.Service{
		rpc.Public(o, groupv1connect.NewGroupServiceHandler, groupv1connect.GroupServiceHandler(e.Groups)),
		rpc.Public(o, userv1connect.NewUserServiceHandler, userv1connect.UserServiceHandler(e.Users)),
		rpc.Public(o, alertv1connect.NewAlertServiceHandler, e.Alerts),
		rpc.Public(o, messengerv1connect.NewMessengerServiceHandler, messengerv1connect.MessengerServiceHandler(e.Messengers)),
		rpc.Public(o, intakev1connect.NewIntakeServiceHandler, intakev1connect.IntakeServiceHandler(e.Intake)),
		rpc.Public(o, callbackv1connect.NewCallbackServiceHandler, callbackv1connect.CallbackServiceHandler(e.Callbacks)),
		rpc.Public(o, accessv1connect.NewAccessServiceHandler, accessv1connect.AccessServiceHandler(e.Access)),
		rpc.Public(o, registryv1connect.NewRegistryServiceHandler, registryv1connect.RegistryServiceHandler(e.Registry)),
		rpc.Public(o, alertv1connect.NewCallbackEndpointServiceHandler, alertv1connect.CallbackEndpointServiceHandler(e.Endpoints)),
		rpc.Public(o, eventv1connect.NewEventServiceHandler, eventv1connect.EventServiceHandler(e.Events)),
		rpc.Public(o, inboxv1connect.NewInboxServiceHandler, e.Inbox),
		rpc.Public(o, incidentv1connect.NewIncidentServiceHandler, e.Incidents),
		rpc.Public(o, incidentv1connect.NewSilenceServiceHandler, incidentv1connect.SilenceServiceHandler(e.Silences)),
		rpc.Public(o, incidentv1connect.NewEscalationPolicyServiceHandler, incidentv1connect.EscalationPolicyServiceHandler(e.Escalations)),
		rpc.Public(o, monitorv1connect.NewMonitorServiceHandler, monitorv1connect.MonitorServiceHandler(e.Monitors)),
		rpc.Public(o, monitorv1connect.NewHeartbeatServiceHandler, monitorv1connect.HeartbeatServiceHandler(e.Heartbeats)),
		rpc.Public(o, monitorv1connect.NewMaintenanceServiceHandler, monitorv1connect.MaintenanceServiceHandler(e.Maintenances)),
		rpc.Bulk(o, userv1connect.NewTransferServiceHandler, userv1connect.TransferServiceHandler(e.Transfers)),
	}
}
