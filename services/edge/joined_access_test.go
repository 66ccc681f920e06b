package edge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	policyv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/policy/v1"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/services/edge"
)

// TestJoinedRoles calls a method whose policy names roles, by all protocols.
func TestJoinedRoles(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	for _, c := range []struct {
		role    string
		allowed bool
	}{
		{"librarian", true}, {"sender", true}, {"admin", true},
		{"viewer", false}, {"operator", false}, {"user", false}, {"Librarian", false}, {"librarian2", false}, {"teacher", false},
	} {
		want := 200
		if !c.allowed {
			want = 403
		}
		const refusal = "permission book.write is needed, which callers with role admin or librarian or sender have"
		status, body, _ := e.rest(t, c.role, "POST", "/v1/books", `{"id":"8"}`)
		if status != want || !c.allowed && !strings.Contains(body, refusal) {
			t.Errorf("%s: status %d, %s", c.role, status, body)
		}
		for _, p := range connectProtocols {
			_, err := e.client(l, "AddBook", p.options...).CallUnary(t.Context(), l.request("Book", `{"id":"8"}`, c.role))
			if c.allowed != (err == nil) || !c.allowed && (connect.CodeOf(err) != connect.CodePermissionDenied || !strings.Contains(err.Error(), refusal)) {
				t.Errorf("%s by %s: %v", c.role, p.name, err)
			}
		}
	}
	// The same permission, of a method that does not name the role.
	if status, body, _ := e.rest(t, "librarian", "PUT", "/v1/books/7", `{}`); status != 403 || strings.Contains(body, "librarian") {
		t.Errorf("another method: status %d, %s", status, body)
	}
	if status, body, _ := e.rest(t, "", "POST", "/v1/books", `{"id":"8"}`); status != 401 {
		t.Errorf("nobody: status %d, %s", status, body)
	}
}

// TestOwnRolesPermitNothing checks that a role of the deployment's own permits no method of the
// edge itself.
func TestOwnRolesPermitNothing(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	e.join(t)
	for procedure, m := range policies(t) {
		if m.Verifier != policy.NoVerifier {
			continue
		}
		if code := post(t, e.URL+procedure, "librarian"); code != http.StatusForbidden && code != http.StatusUnsupportedMediaType {
			t.Errorf("%s: status %d", procedure, code)
		}
	}
	if status, _, _ := e.rest(t, "librarian", "GET", "/metrics", ""); status != 403 {
		t.Errorf("metrics: status %d", status)
	}
}

// TestInvalidRoles checks that a service with a method whose roles are invalid is not routed.
func TestInvalidRoles(t *testing.T) {
	many := make([]string, 33)
	for i := range many {
		many[i] = fmt.Sprintf("r%d", i)
	}
	for name, c := range map[string]struct {
		roles  []string
		reason string
	}{
		"too many": {many, "AddBook has more than 32 roles"}, "repeated": {[]string{"a", "b", "a"}, "is repeated"}, "invalid": {[]string{"a b"}, "invalid role"},
	} {
		t.Run(name, func(t *testing.T) {
			e := startJoined(t, nil, withTestCaller)
			l := startLibrary(t, func(file *descriptorpb.FileDescriptorProto) {
				for _, m := range file.GetService()[0].GetMethod() {
					if m.GetName() == "AddBook" {
						proto.SetExtension(m.GetOptions(), policyv1.E_Method, &policyv1.MethodPolicy{Permission: "book.write", Roles: c.roles, Audit: policyv1.Audit_AUDIT_SYNC, Resource: "books"})
					}
				}
			})
			e.joined.Update([]discovery.Instance{l.instance("1", auditTime)})
			e.log.wait(t, 1, `msg="service is not routed" service=library.v1.BookService`)
			if e.log.count(c.reason) != 1 {
				t.Errorf("no reason %q in %v", c.reason, e.joined.States())
			}
			if status, _, _ := e.rest(t, "admin", "GET", "/v1/books", ""); status != 404 {
				t.Errorf("status %d", status)
			}
		})
	}
}

// TestJoinedCredential signs in, without a caller and with one: the service checks the password.
func TestJoinedCredential(t *testing.T) {
	e := startJoined(t, nil, withTestCaller)
	l := e.join(t)
	for _, c := range []struct {
		name, role, password string
		status               int
		code                 connect.Code
		text                 string
	}{
		{"right", "", "kim1", 200, 0, "t1"},
		{"right, with a caller", "user", "kim1", 200, 0, "t1"},
		{"right, with a caller without a role", "teacher", "kim1", 200, 0, "t1"},
		{"wrong", "", "kim2", 401, connect.CodeUnauthenticated, "wrong name or password"},
		{"wrong, with a caller", "admin", "kim2", 401, connect.CodeUnauthenticated, "wrong name or password"},
		{"the edge is refused", "", "guarded", 503, connect.CodeUnavailable, "try again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e.audit.take()
			status, body, _ := e.rest(t, c.role, "POST", "/v1/readers/kim:signIn", `{"password":"`+c.password+`"}`)
			if status != c.status || !strings.Contains(body, c.text) || strings.Contains(body, "internal key") {
				t.Errorf("status %d, %s", status, body)
			}
			for _, p := range connectProtocols {
				res, err := e.client(l, "SignIn", p.options...).CallUnary(t.Context(), l.request("SignInRequest", `{"name":"kim","password":"`+c.password+`"}`, c.role))
				switch {
				case c.code == 0 && (err != nil || text(res.Msg, "token") != c.text), c.code != 0 && (connect.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.text)):
					t.Errorf("%s: %v, %v", p.name, res, err)
				}
			}
			outcome, caller := "ok", ""
			if c.code != 0 {
				outcome = c.code.String()
			}
			if c.role != "" {
				caller = "key-of-" + c.role
			}
			entries := e.audit.take()
			for _, entry := range entries {
				if entry.GetProcedure() != "library.v1.BookService/SignIn" || entry.GetResource() != "readers/kim" || entry.GetOutcome() != outcome || entry.GetCaller() != caller {
					t.Errorf("audit entry %v", entry)
				}
			}
			if len(entries) != 1+len(connectProtocols) {
				t.Errorf("%d audit entries", len(entries))
			}
		})
	}
	if status, body, _ := e.rest(t, "", "POST", "/v1/readers/kim:signIn", `{"password":"kim1","name":""}`); status != 200 {
		t.Errorf("the name is in the path: status %d, %s", status, body)
	}
	if status, body, _ := e.rest(t, "viewer", "GET", "/v1/books/stranger", ""); status != 503 || strings.Contains(body, "know no edge") {
		t.Errorf("unauthenticated of a method with a permission: status %d, %s", status, body)
	}
}

// TestJoinedCredentialLimit checks that the limits of the edge hold for methods without a caller.
func TestJoinedCredentialLimit(t *testing.T) {
	limited := admit(t, func(c *edge.AdmissionConfig) { c.ServiceLimit = []string{"library.v1.BookService=1/s"} })
	e := startJoined(t, func(e *edge.Edge) { e.Admission = limited.admission })
	e.join(t)
	var last int
	for range 3 {
		last, _, _ = e.rest(t, "", "POST", "/v1/readers/kim:signIn", `{"password":"kim1"}`)
	}
	if last != 429 {
		t.Errorf("status %d", last)
	}
}
