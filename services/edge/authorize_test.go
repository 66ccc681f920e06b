package edge_test

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	_ "github.com/bongsu-project/bongsu/gen/go/userinfo" // an internal service without policies
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// newAuthorizedEdge returns an edge with an authorizer.
func newAuthorizedEdge(t *testing.T) edge.Edge {
	t.Helper()
	e := newEdge()
	e.Authorizer = edge.NewAuthorizer(policies(t), slog.New(slog.DiscardHandler))
	return e
}

// TestOwner checks that users may read themselves, and nobody else.
func TestOwner(t *testing.T) {
	server := serve(t, newAuthorizedEdge(t), withTestCaller)
	get := policies(t)["/bongsu.user.v1.UserService/GetUser"].Descriptor
	for _, c := range []struct {
		name, role, nickname, user string
		allowed                    bool
	}{
		{"oneself", "user", "kim", "kim", true},
		{"oneself in another form", "user", "jose\u0301", "jos\u00e9", true},
		{"another user", "user", "kim", "lee", false},
		{"another case", "user", "kim", "Kim", false},
		{"a user without a nickname", "user", "", "kim", false},
		{"a sender who is this user", "sender", "kim", "kim", true},
		{"a viewer", "viewer", "kim", "lee", true},
	} {
		for _, p := range protocols() {
			t.Run(c.name+"/"+p.name, func(t *testing.T) {
				header := http.Header{callerHeader: {c.role}, nickHeader: {c.nickname}}
				code, _ := p.call(t, server.URL, get, header, map[string]string{"nick_name": c.user})
				want := connect.CodePermissionDenied
				if c.allowed {
					want = connect.CodeUnimplemented // the upstream's
				}
				if code != want {
					t.Errorf("code is %s, want %s", code, want)
				}
			})
		}
	}
}

// TestInternalMethods checks that the edge serves no method of an internal service.
func TestInternalMethods(t *testing.T) {
	server := serve(t, newAuthorizedEdge(t), withTestCaller)
	public, count := policies(t), 0
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for k := range service.Methods().Len() {
				m := service.Methods().Get(k)
				name := string(service.FullName())
				if _, ok := public["/"+name+"/"+string(m.Name())]; ok || strings.HasPrefix(name, "grpc.") {
					continue
				}
				count++
				for role, want := range map[string]int{"": http.StatusUnauthorized, "admin": http.StatusNotFound} {
					if got := post(t, server.URL+policy.Procedure(m), role); got != want {
						t.Errorf("%s as %s: status %d, want %d", m.FullName(), cmp.Or(role, "nobody"), got, want)
					}
				}
			}
		}
		return true
	})
	if count < 10 {
		t.Errorf("only %d internal methods were found", count)
	}
}

// post posts an empty message with the role of a caller, and returns the status.
func post(t *testing.T, url, role string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/proto")
	if role != "" {
		req.Header.Set(callerHeader, role)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Error(err)
	}
	return res.StatusCode
}

// TestPaths checks the access to paths that are no methods.
func TestPaths(t *testing.T) {
	server := serve(t, newAuthorizedEdge(t), withTestCaller)
	for _, c := range []struct {
		verb, path            string
		nobody, sender, admin int
	}{
		{"GET", "/healthz", 200, 200, 200},
		{"GET", "/readyz", 200, 200, 200},
		{"POST", "/grpc.health.v1.Health/Check", 200, 200, 200},
		{"POST", "/grpc.health.v1.Health/List", 401, 404, 404},
		{"POST", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", 401, 505, 505}, // it needs HTTP/2
		{"GET", "/openapi.yaml", 401, 200, 200},
		{"GET", "/metrics", 401, 403, 200},
		{"GET", "/%6detrics", 401, 403, 200},
		{"GET", "/healthz/", 401, 404, 404},
		{"GET", "/nothing", 401, 404, 404},
		{"GET", "/v1/nothing", 401, 404, 404},
		{"PATCH", "/v1/groups", 401, 405, 405},
		// The upstream has no method: 500 on the older service's paths, 501 elsewhere.
		{"GET", "/v1/groups/", 401, 403, 500},
		{"GET", "/v1/gr%6fups", 401, 403, 500},
		{"HEAD", "/v1/groups", 401, 403, 500},
		{"GET", "/v1/users/%ff", 401, 403, 400},
		{"GET", "/v1/users?nothing=1", 401, 403, 400},
		{"POST", "/v1/callbacks/twilio/1", 415, 415, 415},
		{"POST", "/bongsu.group.v1.GroupService/Nothing", 401, 404, 404},
		{"POST", "/bongsu.group.v1.GroupService/ListGroups/", 401, 404, 404},
		{"POST", "/bongsu.group.v1.GroupService/List%47roups", 401, 403, 501},
		{"GET", "/bongsu.group.v1.GroupService/ListGroups?encoding=json&message=%7B%7D", 401, 403, 501},
	} {
		for role, want := range map[string]int{"": c.nobody, "sender": c.sender, "admin": c.admin} {
			body := http.NoBody
			req, err := http.NewRequestWithContext(t.Context(), c.verb, server.URL+c.path, body)
			if err != nil {
				t.Fatal(err)
			}
			if c.verb == http.MethodPost {
				req.Header.Set("Content-Type", "application/json")
			}
			if strings.HasSuffix(c.path, "/Check") {
				req.Header.Set("Content-Type", "application/proto")
			}
			if role != "" {
				req.Header.Set(callerHeader, role)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s %s as %s: status %d, want %d", c.verb, c.path, cmp.Or(role, "nobody"), res.StatusCode, want)
			}
			if got := res.Header.Get("WWW-Authenticate"); (got == "Bearer") != (want == http.StatusUnauthorized) {
				t.Errorf("%s %s as %s: WWW-Authenticate is %q", c.verb, c.path, cmp.Or(role, "nobody"), got)
			}
		}
	}
}

// TestSelfVerified checks that nobody may call what its handler verifies, and nothing else.
func TestSelfVerified(t *testing.T) {
	e := newAuthorizedEdge(t)
	e.Authorizer.SelfVerified = func(r *http.Request) bool { return r.URL.Path == "/v1/intake/1" || r.URL.Path == "/metrics" }
	e.Authorizer.SignedPath = func(r *http.Request) bool {
		return r.URL.Path == "/ack/1" || r.URL.Path == "/v1/groups"
	}
	server := serve(t, e, withTestCaller)
	methods := policies(t)
	for path, want := range map[string]int{"/ack/1": http.StatusNotFound, "/ack/2": http.StatusUnauthorized, "/v1/groups": http.StatusUnauthorized} {
		res, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: status is %d, want %d", path, res.StatusCode, want)
		}
	}
	for _, c := range []struct {
		procedure string
		source    string
		want      connect.Code
	}{
		{"/bongsu.intake.v1.IntakeService/Receive", "1", connect.CodeNotFound}, // no such source, which its handler finds
		{"/bongsu.intake.v1.IntakeService/Receive", "2", connect.CodeUnauthenticated},
		{"/bongsu.group.v1.GroupService/ListGroups", "", connect.CodeUnauthenticated},
	} {
		if code, _ := callREST(t, server.URL, methods[c.procedure].Descriptor, http.Header{callerHeader: {""}}, map[string]string{"source": c.source}); code != c.want {
			t.Errorf("%s of %q: code is %s, want %s", c.procedure, c.source, code, c.want)
		}
	}
}

// TestAdmittedForAnotherMethod checks that the permission for one method admits to no other.
func TestAdmittedForAnotherMethod(t *testing.T) {
	server := serve(t, newAuthorizedEdge(t), withTestCaller, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rpc.InfoOf(r.Context()).Procedure = accessv1connect.AccessServiceGetCallerProcedure
			next.ServeHTTP(w, r)
		})
	})
	methods := policies(t)
	for _, procedure := range []string{accessv1connect.AccessServiceListKeysProcedure, "/bongsu.alert.v1.AlertService/WatchAlert"} {
		if code, _ := callConnect(connect.WithGRPC())(t, server.URL, methods[procedure].Descriptor, http.Header{callerHeader: {"sender"}}, nil); code != connect.CodePermissionDenied {
			t.Errorf("%s: code is %s", procedure, code)
		}
	}
}

// TestRefusedHook checks that a refusal to a caller is reported, and one to nobody is not.
func TestRefusedHook(t *testing.T) {
	var mu sync.Mutex
	var refused []string
	e := newAuthorizedEdge(t)
	e.Authorizer.Refused = func(_ context.Context, procedure string) {
		mu.Lock()
		defer mu.Unlock()
		refused = append(refused, procedure)
	}
	server := serve(t, e, withTestCaller)
	methods := policies(t)
	for _, procedure := range []string{"/bongsu.group.v1.GroupService/DeleteGroup", "/bongsu.user.v1.UserService/GetUser"} {
		for _, role := range []string{"", "user", "admin"} {
			callConnect()(t, server.URL, methods[procedure].Descriptor, http.Header{callerHeader: {role}, nickHeader: {"kim"}}, nil)
		}
	}
	if got, want := strings.Join(refused, " "), "/bongsu.group.v1.GroupService/DeleteGroup /bongsu.user.v1.UserService/GetUser"; got != want {
		t.Errorf("refused: %s, want %s", got, want)
	}
}
