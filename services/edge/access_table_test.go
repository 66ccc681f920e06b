package edge_test

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1/jobv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// mayCall holds who may call each method: user, sender, viewer, operator, admin by their
// initials, "*" for everybody. It repeats the policies and the roles on purpose: a change of
// either is a change of this table.
var mayCall = map[string]string{
	"bongsu.access.v1.AccessService/CreateKey":        "a",
	"bongsu.access.v1.AccessService/ListKeys":         "a",
	"bongsu.access.v1.AccessService/RevokeKey":        "a",
	"bongsu.access.v1.AccessService/GetCaller":        "u s v o a",
	"bongsu.access.v1.AccessService/ListAuditEntries": "a",
	"bongsu.access.v1.AccessService/ListBans":         "a",
	"bongsu.access.v1.AccessService/LiftBan":          "a",

	"bongsu.alert.v1.AlertService/SendAlert":        "s a",
	"bongsu.alert.v1.AlertService/SendAlerts":       "s a",
	"bongsu.alert.v1.AlertService/GetAlert":         "v o a",
	"bongsu.alert.v1.AlertService/ListDeliveries":   "v o a",
	"bongsu.alert.v1.AlertService/ListAlerts":       "v o a",
	"bongsu.alert.v1.AlertService/CancelAlert":      "o a",
	"bongsu.alert.v1.AlertService/CancelDeliveries": "o a",
	"bongsu.alert.v1.AlertService/ReplayDeliveries": "o a",
	"bongsu.alert.v1.AlertService/WatchAlert":       "v o a",
	"bongsu.alert.v1.AlertService/ResolveTargets":   "v o a",

	"bongsu.alert.v1.CallbackEndpointService/CreateCallbackEndpoint": "o a",
	"bongsu.alert.v1.CallbackEndpointService/ListCallbackEndpoints":  "v o a",
	"bongsu.alert.v1.CallbackEndpointService/DeleteCallbackEndpoint": "o a",

	"bongsu.registry.v1.RegistryService/ListInstances": "v o a",

	"bongsu.callback.v1.CallbackService/CallBack": "*",
	"bongsu.intake.v1.IntakeService/Receive":      "s a",

	"bongsu.inbox.v1.InboxService/List":                  "a", // and the user: TestOwnInbox
	"bongsu.inbox.v1.InboxService/CountUnread":           "a",
	"bongsu.inbox.v1.InboxService/MarkRead":              "a",
	"bongsu.inbox.v1.InboxService/MarkAllRead":           "a",
	"bongsu.inbox.v1.InboxService/Archive":               "a",
	"bongsu.inbox.v1.InboxService/Watch":                 "a",
	"bongsu.incident.v1.IncidentService/ListIncidents":   "v o a",
	"bongsu.incident.v1.IncidentService/GetIncident":     "v o a",
	"bongsu.incident.v1.IncidentService/WatchIncidents":  "v o a",
	"bongsu.incident.v1.IncidentService/AckIncident":     "o a",
	"bongsu.incident.v1.IncidentService/UnackIncident":   "o a",
	"bongsu.incident.v1.IncidentService/ResolveIncident": "o a",
	"bongsu.incident.v1.IncidentService/CommentIncident": "o a",

	"bongsu.incident.v1.SilenceService/CreateSilence":  "o a",
	"bongsu.incident.v1.SilenceService/ListSilences":   "v o a",
	"bongsu.incident.v1.SilenceService/GetSilence":     "v o a",
	"bongsu.incident.v1.SilenceService/ExpireSilence":  "o a",
	"bongsu.incident.v1.SilenceService/PreviewSilence": "v o a",

	"bongsu.incident.v1.EscalationPolicyService/ListEscalationPolicies": "v o a",
	"bongsu.incident.v1.EscalationPolicyService/GetEscalationPolicy":    "v o a",
	"bongsu.incident.v1.EscalationPolicyService/SetEscalationPolicy":    "o a",
	"bongsu.incident.v1.EscalationPolicyService/DeleteEscalationPolicy": "o a",

	"bongsu.monitor.v1.MonitorService/CreateMonitor": "o a",
	"bongsu.monitor.v1.MonitorService/SetMonitor":    "o a",
	"bongsu.monitor.v1.MonitorService/GetMonitor":    "v o a",
	"bongsu.monitor.v1.MonitorService/ListMonitors":  "v o a",
	"bongsu.monitor.v1.MonitorService/DeleteMonitor": "o a",
	"bongsu.monitor.v1.MonitorService/RunMonitor":    "o a",
	"bongsu.monitor.v1.MonitorService/ListResults":   "v o a",
	"bongsu.monitor.v1.MonitorService/ListUptime":    "v o a",
	"bongsu.monitor.v1.MonitorService/ListStates":    "v o a",

	"bongsu.monitor.v1.HeartbeatService/SendHeartbeat":  "s a",
	"bongsu.monitor.v1.HeartbeatService/StartHeartbeat": "s a",
	"bongsu.monitor.v1.HeartbeatService/FailHeartbeat":  "s a",
	"bongsu.monitor.v1.HeartbeatService/ListPings":      "v o a",

	"bongsu.monitor.v1.MaintenanceService/CreateMaintenance": "o a",
	"bongsu.monitor.v1.MaintenanceService/ListMaintenances":  "v o a",
	"bongsu.monitor.v1.MaintenanceService/EndMaintenance":    "o a",

	"bongsu.event.v1.EventService/Publish":           "s a",
	"bongsu.event.v1.EventService/PublishBody":       "s a",
	"bongsu.event.v1.EventService/CreateEventRule":   "o a",
	"bongsu.event.v1.EventService/GetEventRule":      "v o a",
	"bongsu.event.v1.EventService/ListEventRules":    "v o a",
	"bongsu.event.v1.EventService/UpdateEventRule":   "o a",
	"bongsu.event.v1.EventService/DeleteEventRule":   "o a",
	"bongsu.event.v1.EventService/TestEventRule":     "v o a",
	"bongsu.event.v1.EventService/ListDeadLetters":   "v o a",
	"bongsu.event.v1.EventService/ReplayDeadLetters": "o a",

	"bongsu.group.v1.GroupService/ListGroups":      "v o a",
	"bongsu.group.v1.GroupService/GetGroup":        "v o a",
	"bongsu.group.v1.GroupService/CreateGroup":     "o a",
	"bongsu.group.v1.GroupService/RenameGroup":     "o a",
	"bongsu.group.v1.GroupService/DeleteGroup":     "o a",
	"bongsu.group.v1.GroupService/ListGroupUsers":  "v o a",
	"bongsu.group.v1.GroupService/AddGroupUser":    "o a",
	"bongsu.group.v1.GroupService/RemoveGroupUser": "o a",

	"bongsu.messenger.v1.MessengerService/ListMessengers": "v o a",
	"bongsu.messenger.v1.MessengerService/ListPaces":      "v o a",
	"bongsu.messenger.v1.MessengerService/ListTemplates":  "v o a",
	"bongsu.messenger.v1.MessengerService/SetTemplate":    "o a",
	"bongsu.messenger.v1.MessengerService/DeleteTemplate": "o a",
	"bongsu.messenger.v1.MessengerService/ListSealKeys":   "v o a",

	"bongsu.user.v1.UserService/ListUsers":           "v o a",
	"bongsu.user.v1.UserService/GetUser":             "v o a", // and the user: TestOwner
	"bongsu.user.v1.UserService/CreateUser":          "o a",
	"bongsu.user.v1.UserService/UpdateUser":          "o a",
	"bongsu.user.v1.UserService/DeleteUser":          "o a",
	"bongsu.user.v1.UserService/AddUserAddress":      "o a",
	"bongsu.user.v1.UserService/ReplaceUserAddress":  "o a",
	"bongsu.user.v1.UserService/VerifyUserAddress":   "o a",
	"bongsu.user.v1.UserService/RemoveUserAddress":   "o a",
	"bongsu.user.v1.TransferService/ExportDirectory": "o a",
	"bongsu.user.v1.TransferService/ImportDirectory": "o a",
}

// The callers of the tests, besides nobody.
var callers = []string{"", "user", "sender", "viewer", "operator", "admin", "unknown"}

// callerHeader is the header with the role of a test's caller. nickHeader is that with the
// nickname; callers have none by default.
const callerHeader, nickHeader = "Test-Role", "Test-Nickname"

// withTestCaller is the stage that takes the place of authentication.
func withTestCaller(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if role := r.Header.Get(callerHeader); role != "" {
			c := auth.Caller{ID: "key-of-" + role, Name: "the " + role, Roles: []string{role}, Nickname: r.Header.Get(nickHeader)}
			r = r.WithContext(auth.WithCaller(r.Context(), c))
		}
		next.ServeHTTP(w, r)
	})
}

// policies returns the policies of the public methods.
func policies(t testing.TB) policy.Table {
	t.Helper()
	table, err := policy.NewTable(protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// newEdge returns an edge whose upstreams implement no method: a call that reaches them fails
// with unimplemented.
func newEdge() edge.Edge {
	return edge.Edge{
		Groups: groupv1connect.UnimplementedGroupServiceHandler{}, Users: userv1connect.UnimplementedUserServiceHandler{},
		Alerts: alertv1connect.UnimplementedAlertServiceHandler{}, Messengers: messengerv1connect.UnimplementedMessengerServiceHandler{},
		Transfers: userv1connect.UnimplementedTransferServiceHandler{}, Endpoints: alertv1connect.UnimplementedCallbackEndpointServiceHandler{},
		Events: eventv1connect.UnimplementedEventServiceHandler{}, Inbox: inboxv1connect.UnimplementedInboxServiceHandler{}, Incidents: incidentv1connect.UnimplementedIncidentServiceHandler{},
		Silences: incidentv1connect.UnimplementedSilenceServiceHandler{}, Escalations: incidentv1connect.UnimplementedEscalationPolicyServiceHandler{},
		Monitors: monitorv1connect.UnimplementedMonitorServiceHandler{}, Heartbeats: monitorv1connect.UnimplementedHeartbeatServiceHandler{}, Maintenances: monitorv1connect.UnimplementedMaintenanceServiceHandler{},
		Access:    edge.AccessHandler{AccessServiceClient: accessv1connect.UnimplementedAccessServiceHandler{}, Bans: ban.NewMemory(time.Now)},
		Intake:    &edge.IntakeHandler{Metrics: noIntakeMetrics{}, Log: slog.New(slog.DiscardHandler)},
		Callbacks: &edge.CallbackHandler{Dispatch: jobv1connect.UnimplementedDispatchServiceHandler{}},
		Registry:  &edge.RegistryHandler{Instances: noInstances{}},
	}
}

// noInstances is the registry of a process that is alone and has no port.
type noInstances struct{}

func (noInstances) Instances() []discovery.Instance { return nil }

// serve serves the port of an edge, behind stages.
func serve(t *testing.T, e edge.Edge, first ...rpc.Stage) *httptest.Server {
	t.Helper()
	options, err := rpc.NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), edge.RESTRules)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := rpc.Listener{
		Services: e.Services(e.Options(options)),
		Stages:   append(first, e.Stages()...),
		Ready:    func(context.Context) error { return nil },
		Handlers: map[string]http.Handler{
			"GET /openapi.yaml": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "openapi") }),
			"GET /metrics":      http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics") }),
		},
	}.Handler()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

type noIntakeMetrics struct{}

func (noIntakeMetrics) Received(string, string, int) {}
func (noIntakeMetrics) RefusedIntake(string, string) {}
func (noIntakeMetrics) IntakeProblem(string, string) {}

// reached holds the codes of calls that were allowed: the upstream has no method, the empty
// request is invalid, the intake has no source, or it is a method of the edge itself.
var reached = map[connect.Code]bool{0: true, connect.CodeUnimplemented: true, connect.CodeInvalidArgument: true, connect.CodeNotFound: true}

// TestAccess checks who may call each method, by every protocol.
func TestAccess(t *testing.T) {
	methods := policies(t)
	e := newEdge()
	e.Authorizer = edge.NewAuthorizer(methods, slog.New(slog.DiscardHandler))
	server := serve(t, e, withTestCaller)
	for procedure := range methods {
		if _, ok := mayCall[strings.TrimPrefix(procedure, "/")]; !ok {
			t.Errorf("%s has no row in mayCall", procedure)
		}
	}
	for procedure, initials := range mayCall {
		m, ok := methods["/"+procedure]
		if !ok {
			t.Errorf("%s is no method", procedure)
			continue
		}
		for _, p := range protocols() {
			for _, role := range callers {
				t.Run(procedure+"/"+p.name+"/"+cmp.Or(role, "nobody"), func(t *testing.T) {
					code, header := p.call(t, server.URL, m.Descriptor, http.Header{callerHeader: {role}}, nil)
					allowed := initials == "*" || role != "" && role != "unknown" && slices.Contains(strings.Fields(initials), role[:1])
					want := connect.CodePermissionDenied
					if role == "" {
						want = connect.CodeUnauthenticated
					}
					switch {
					case allowed && !reached[code]:
						t.Errorf("code is %s, want that of the method", code)
					case !allowed && code != want:
						t.Errorf("code is %s, want %s", code, want)
					}
					if got := header.Get("WWW-Authenticate"); (got != "") != (code == connect.CodeUnauthenticated) {
						t.Errorf("WWW-Authenticate is %q for code %s", got, code)
					}
				})
			}
		}
	}
}
