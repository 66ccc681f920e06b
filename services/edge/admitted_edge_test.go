package edge_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/metric/noop"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/incident/v1/incidentv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1/messengerv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/internal/ban/bantest"
	"github.com/bongsu-project/bongsu/internal/intake"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// An admitted is an edge whose admission is under test. Its methods that need no other service
// are served.
type admitted struct {
	http.Handler
	admission *edge.Admission
	clock     *bantest.Clock
	bans      *ban.Memory
	counted   *counted
}

// admit returns an edge with settings, whose other defaults let every request pass.
func admit(t testing.TB, change func(*edge.AdmissionConfig)) *admitted {
	t.Helper()
	config := edge.AdmissionConfig{AddressLimit: "off", BanAfter: "100", BanTime: 10 * time.Minute, MaxCalls: 4096, MaxStreams: 4096, MaxStreamsPerCaller: 256}
	change(&config)
	clock, log := bantest.NewClock(), slog.New(slog.DiscardHandler)
	a := &admitted{clock: clock, bans: ban.NewMemory(clock.Now), counted: &counted{byReason: map[string]int{}}}
	var err error
	a.admission, err = edge.NewAdmission(config, edge.AdmissionDependencies{Bans: a.bans, Metrics: a.counted, Now: clock.Now, Log: log})
	kittest.NoError(t, err)
	options, err := rpc.NewOptions(log, noop.NewMeterProvider(), edge.RESTRules)
	kittest.NoError(t, err)
	e := edge.Edge{
		Groups: groupv1connect.UnimplementedGroupServiceHandler{}, Users: userv1connect.UnimplementedUserServiceHandler{},
		Alerts: alertv1connect.UnimplementedAlertServiceHandler{}, Messengers: messengerv1connect.UnimplementedMessengerServiceHandler{},
		Transfers: userv1connect.UnimplementedTransferServiceHandler{}, Endpoints: alertv1connect.UnimplementedCallbackEndpointServiceHandler{},
		Events: eventv1connect.UnimplementedEventServiceHandler{}, Inbox: inboxv1connect.UnimplementedInboxServiceHandler{}, Incidents: incidentv1connect.UnimplementedIncidentServiceHandler{},
		Silences: incidentv1connect.UnimplementedSilenceServiceHandler{}, Escalations: incidentv1connect.UnimplementedEscalationPolicyServiceHandler{},
		Monitors: monitorv1connect.UnimplementedMonitorServiceHandler{}, Heartbeats: monitorv1connect.UnimplementedHeartbeatServiceHandler{}, Maintenances: monitorv1connect.UnimplementedMaintenanceServiceHandler{}, Callbacks: &edge.CallbackHandler{},
		Intake:    &edge.IntakeHandler{Sources: map[string]intake.Source{}, Metrics: a.counted, Log: log},
		Admission: a.admission,
	}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	a.Handler, err = rpc.Listener{Services: e.Services(e.Options(options)), Stages: e.Stages(), Handlers: map[string]http.Handler{"GET /nothing": nothing}}.Handler()
	kittest.NoError(t, err)
	return a
}

// counted counts the refusals of an edge.
type counted struct {
	mu       sync.Mutex
	byReason map[string]int
	bans     int
}

func (c *counted) RefusedRequest(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byReason[reason]++
}

func (c *counted) AddressBanned() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bans++
}

func (*counted) Received(string, string, int) {}

func (*counted) RefusedIntake(string, string) {}

func (*counted) IntakeProblem(string, string) {}

func (c *counted) refused() (reasons map[string]int) { return c.byReason }

// get sends a request that needs no service.
func (a *admitted) get(t testing.TB, from string) *httptest.ResponseRecorder {
	t.Helper()
	return a.serve(t, from, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/nothing", nil))
}

func (a *admitted) serve(t testing.TB, from string, r *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(from), 4711).String()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// statuses returns the statuses of n requests.
func (a *admitted) statuses(t testing.TB, from string, n int) (statuses []int) {
	t.Helper()
	for range n {
		statuses = append(statuses, a.get(t, from).Code)
	}
	return statuses
}

const (
	client, neighbor  = "203.0.113.9", "203.0.113.10"
	client6, sibling6 = "2001:db8:0:1::7", "2001:db8:0:1::8"
)
