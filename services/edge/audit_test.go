package edge_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1/groupv1connect"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// A recordedAudit is an audit log in memory.
type recordedAudit struct {
	mu      sync.Mutex
	entries []*accessv1.AuditEntry
}

func (a *recordedAudit) RecordAuditEntries(_ context.Context, req *accessv1.RecordAuditEntriesRequest) (*accessv1.RecordAuditEntriesResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range req.GetEntries() {
		if !slices.ContainsFunc(a.entries, func(o *accessv1.AuditEntry) bool { return o.GetId() == e.GetId() }) {
			a.entries = append(a.entries, e)
		}
	}
	return &accessv1.RecordAuditEntriesResponse{}, nil
}

// take removes and returns the entries.
func (a *recordedAudit) take() []*accessv1.AuditEntry {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := a.entries
	a.entries = nil
	return all
}

func (*recordedAudit) AuditRecorded(int) {}
func (*recordedAudit) AuditDropped(int)  {}

// auditedGroups creates groups, but not taken ones.
type auditedGroups struct {
	groupv1connect.UnimplementedGroupServiceHandler
}

func (auditedGroups) CreateGroup(_ context.Context, req *groupv1.CreateGroupRequest) (*groupv1.CreateGroupResponse, error) {
	if req.GetGroupName() == "taken" {
		return nil, fault.Existsf("group taken exists")
	}
	return &groupv1.CreateGroupResponse{Group: &groupv1.Group{Id: 7, GroupName: req.GetGroupName()}}, nil
}

func (auditedGroups) ListGroups(context.Context, *groupv1.ListGroupsRequest) (*groupv1.ListGroupsResponse, error) {
	return &groupv1.ListGroupsResponse{}, nil
}

// auditedAlerts accepts alerts.
type auditedAlerts struct {
	alertv1connect.UnimplementedAlertServiceHandler
}

func (auditedAlerts) SendAlert(context.Context, *alertv1.SendAlertRequest) (*alertv1.SendAlertResponse, error) {
	return &alertv1.SendAlertResponse{Id: "12"}, nil
}

// auditTime is the time of all entries.
var auditTime = time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)

// auditTrace is the id of the trace of the calls of TestAuditEntries.
const auditTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

// startAudited serves an edge with an audit log. stop ends the recorder, which stores what
// waits.
func startAudited(t *testing.T, batched bool, log *slog.Logger) (url string, audit *recordedAudit, stop func()) {
	t.Helper()
	audit = &recordedAudit{}
	e := newAuthorizedEdge(t)
	e.Groups, e.Alerts = auditedGroups{}, auditedAlerts{}
	e.Audit = edge.NewAuditRecorder(policies(t), audit, batched, audit, func() time.Time { return auditTime }, log)
	e.Authorizer.Refused = e.Audit.Refused
	server := serve(t, e, withTestCaller, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rpc.InfoOf(r.Context()).Client = netip.MustParseAddr("192.0.2.7")
			next.ServeHTTP(w, r)
		})
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error)
	go func() { done <- e.Audit.Run(ctx) }()
	return server.URL, audit, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func TestAuditEntries(t *testing.T) {
	var log logtest.Buffer
	url, audit, stop := startAudited(t, true, slog.New(slog.NewJSONHandler(&log, nil)))
	methods := policies(t)
	for _, c := range []struct {
		name, procedure, role string
		fields                map[string]string
		resource, outcome     string // of the entry; none if outcome is empty
	}{
		{"created", "bongsu.group.v1.GroupService/CreateGroup", "operator", map[string]string{"group_name": "ops"}, "groups/ops", "ok"},
		{"failed", "bongsu.group.v1.GroupService/CreateGroup", "operator", map[string]string{"group_name": "taken"}, "groups/taken", "already_exists"},
		{"unimplemented", "bongsu.group.v1.GroupService/RemoveGroupUser", "operator", map[string]string{"id": "7", "nick_name": "a/b"}, "groups/7/users/a%2Fb", "unimplemented"},
		{"a read", "bongsu.group.v1.GroupService/ListGroups", "operator", nil, "", ""},
		{"invalid", "bongsu.group.v1.GroupService/CreateGroup", "operator", nil, "", ""},
		{"by nobody", "bongsu.group.v1.GroupService/CreateGroup", "", map[string]string{"group_name": "ops"}, "", ""},
	} {
		code, _ := callConnect()(t, url, methods["/"+c.procedure].Descriptor, http.Header{
			callerHeader: {c.role}, "X-Request-Id": {"request-1"}, "Traceparent": {"00-" + auditTrace + "-00f067aa0ba902b7-01"},
		}, c.fields)
		entries := audit.take() // stored before the response
		if c.outcome == "" {
			if len(entries) != 0 {
				t.Errorf("%s: recorded %v", c.name, entries)
			}
			continue
		}
		if len(entries) != 1 || len(entries[0].GetId()) != 20 {
			t.Errorf("%s: recorded %v", c.name, entries)
			continue
		}
		want := &accessv1.AuditEntry{
			Id: entries[0].GetId(), Time: entries[0].GetTime(), Caller: "key-of-" + c.role, CallerName: "the " + c.role, Address: "192.0.2.7",
			Procedure: c.procedure, Resource: c.resource, Outcome: c.outcome, RequestId: "request-1", TraceId: auditTrace,
		}
		if !proto.Equal(entries[0], want) || !entries[0].GetTime().AsTime().Equal(auditTime) {
			t.Errorf("%s: recorded %v, want %v", c.name, entries[0], want)
		}
		if c.outcome != "ok" && c.outcome != code.String() {
			t.Errorf("%s: outcome %s for code %s", c.name, c.outcome, code)
		}
		line := `"level":"INFO","msg":"audit","id":"` + entries[0].GetId() + `","caller":"key-of-operator","caller_name":"the operator","address":"192.0.2.7","procedure":"` +
			c.procedure + `","resource":"` + c.resource + `","outcome":"` + c.outcome + `","request_id":"request-1","trace_id":"` + auditTrace + `"}`
		if log.Count(line) != 1 {
			t.Errorf("%s: the log has no line %s:\n%s", c.name, line, log.String())
		}
	}
	stop()
	if left := audit.take(); len(left) != 0 {
		t.Errorf("recorded later: %v", left)
	}
}

// TestAuditLater checks the entries that are stored after the response: of refused calls, and of
// methods that are called often.
func TestAuditLater(t *testing.T) {
	methods := policies(t)
	send := map[string]string{"message": "down"}
	for _, c := range []struct {
		batched bool
		want    []string
	}{
		{true, []string{
			"sender alert.v1.AlertService/SendAlert alerts/12 ok",
			"viewer alert.v1.AlertService/SendAlert  permission_denied",
			"viewer group.v1.GroupService/DeleteGroup  permission_denied",
		}},
		{false, []string{"viewer group.v1.GroupService/DeleteGroup  permission_denied"}},
	} {
		var log logtest.Buffer
		url, audit, stop := startAudited(t, c.batched, slog.New(slog.NewJSONHandler(&log, nil)))
		sendAlert(t, url, "sender")
		callConnect()(t, url, methods["/bongsu.alert.v1.AlertService/SendAlert"].Descriptor, http.Header{callerHeader: {"viewer"}}, send)
		callConnect(connect.WithGRPC())(t, url, methods["/bongsu.group.v1.GroupService/DeleteGroup"].Descriptor, http.Header{callerHeader: {"viewer"}}, nil)
		callConnect()(t, url, methods["/bongsu.group.v1.GroupService/ListGroups"].Descriptor, http.Header{callerHeader: {"sender"}}, nil) // a refused read
		stop()
		var got []string
		for _, e := range audit.take() {
			got = append(got, strings.Join([]string{
				strings.TrimPrefix(e.GetCaller(), "key-of-"), strings.TrimPrefix(e.GetProcedure(), "bongsu."), e.GetResource(), e.GetOutcome(),
			}, " "))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("batched %v: recorded %q, want %q", c.batched, got, c.want)
		}
		// Successful calls of methods that are called often are not in the log of level info.
		if lines := regexp.MustCompile(`"msg":"audit"`).FindAllString(log.String(), -1); len(lines) != strings.Count(strings.Join(c.want, "\n"), "permission_denied") {
			t.Errorf("batched %v: log: %s", c.batched, log.String())
		}
	}
}

// sendAlert sends a valid alert with the role of a caller.
func sendAlert(t *testing.T, url, role string) {
	t.Helper()
	client := alertv1connect.NewAlertServiceClient(http.DefaultClient, url, connect.WithInterceptors(connect.UnaryInterceptorFunc(func(next connect.UnaryFunc) connect.UnaryFunc {
		return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
			req.Header().Set(callerHeader, role)
			return next(ctx, req)
		}
	})))
	if _, err := client.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@kim"}, Message: "down"}); err != nil {
		t.Errorf("send: %v", err)
	}
}

// TestAuditWithoutCallers checks that changes are recorded where authentication is off.
func TestAuditWithoutCallers(t *testing.T) {
	audit := &recordedAudit{}
	e := newEdge()
	e.Groups = auditedGroups{}
	e.Audit = edge.NewAuditRecorder(policies(t), audit, false, audit, func() time.Time { return auditTime }, slog.New(slog.DiscardHandler))
	server := serve(t, e)
	callREST(t, server.URL, policies(t)["/bongsu.group.v1.GroupService/DeleteGroup"].Descriptor, http.Header{}, nil)
	entries := audit.take()
	if len(entries) != 1 || entries[0].GetCaller() != "" || entries[0].GetResource() != "groups/1" || entries[0].GetOutcome() != "unimplemented" {
		t.Errorf("recorded %v", entries)
	}
}
