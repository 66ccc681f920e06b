package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/internal/role"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/policy"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// openPaths are the paths that need no caller, besides methods that verify their requests
// themselves: probes, whose prober has no key.
var openPaths = map[string]bool{
	"/healthz": true, "/readyz": true,
	"/grpc.health.v1.Health/Check": true, "/grpc.health.v1.Health/Watch": true,
}

// pathPermissions are the permissions of paths that are no methods. Every other path, such as
// that of reflection, needs a caller.
var pathPermissions = map[string]string{"/metrics": role.ReadMetrics}

// errNoCaller is the error of a request without credentials.
var errNoCaller = errors.New("credentials are required: send an API key or a token as Authorization: Bearer")

// An Authorizer decides who may call which method, by the policy of the method. It is safe for
// concurrent use.
type Authorizer struct {
	methods map[string]*methodAccess // by procedure
	paths   map[string]*methodAccess // by path
	log     *slog.Logger

	// SelfVerified reports whether the handler of a request verifies it without a caller, as it
	// does the signature of an intake source. nil means that no handler does; methods whose policy
	// has a verifier do anyway.
	SelfVerified func(*http.Request) bool
	// SignedPath reports whether a path that is no method is itself the credential of a request, as
	// that of an acknowledgment link is. nil means that none is.
	SignedPath func(*http.Request) bool
	// OpenPaths are further paths that are no methods and need no caller, such as that of the status
	// page. nil means none.
	OpenPaths map[string]bool
	// Refused is called for each call that is refused to a caller; nil for no call.
	Refused func(ctx context.Context, procedure string)
}

// A methodAccess says who may call a method.
type methodAccess struct {
	policy     policy.Policy
	permission string
	roles      []string // that have the permission
	denied     error    // of a caller without it
}

func newMethodAccess(p policy.Policy, permission string) *methodAccess {
	a := &methodAccess{policy: p, permission: permission, roles: rolesWith(permission, p.Roles)}
	a.denied = fmt.Errorf("not allowed: permission %s is needed, which callers with role %s have", permission, strings.Join(a.roles, " or "))
	if p.OwnerField != "" {
		a.denied = fmt.Errorf("%w, or the user whose %s it is", a.denied, p.OwnerField)
	}
	return a
}

// rolesWith returns the built-in roles that have a permission, and further ones.
func rolesWith(permission string, further []string) []string {
	var names []string
	for _, r := range role.Permitted(permission) {
		names = append(names, string(r))
	}
	for _, name := range further {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// permits reports whether a caller has the permission.
func (a *methodAccess) permits(c auth.Caller) bool {
	return slices.ContainsFunc(c.Roles, func(name string) bool { return slices.Contains(a.roles, name) })
}

// NewAuthorizer returns an authorizer of methods. A method that is missing is allowed to
// nobody.
func NewAuthorizer(methods policy.Table, log *slog.Logger) *Authorizer {
	a := &Authorizer{methods: make(map[string]*methodAccess, len(methods)), paths: map[string]*methodAccess{}, log: log}
	for procedure, m := range methods {
		if !m.Internal {
			a.methods[procedure] = newMethodAccess(m.Policy, m.Permission)
		}
	}
	for path, permission := range pathPermissions {
		a.paths[path] = newMethodAccess(policy.Policy{}, permission)
	}
	return a
}

// accessOf returns who may call a procedure, and reports whether it is that of a method: of a
// joined service, or of the edge itself.
func (a *Authorizer) accessOf(info *rpc.RequestInfo, procedure string) (*methodAccess, bool) {
	if joined := joinedMethodOf(info); joined != nil && joined.procedure == procedure {
		return joined.access, joined.access != nil
	}
	access, known := a.methods[procedure]
	return access, known
}

// Stage returns the stage that refuses requests before their bodies are read: with 401 without
// a caller, and with 403 where the caller has not the permission. A request of the user who may
// own what it is for is left to Interceptor.
func (a *Authorizer) Stage(next http.Handler) http.Handler { return &authorizeStage{a, next} }

// An authorizeStage is the stage of an Authorizer.
type authorizeStage struct {
	*Authorizer
	next http.Handler
}

// ServeHTTP serves or refuses a request.
func (s *authorizeStage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.check(r); err != nil {
		s.refuse(w, r, err)
		return
	}
	s.next.ServeHTTP(w, r)
}

// check returns why a request is refused, or nil.
func (s *authorizeStage) check(r *http.Request) *connect.Error {
	ctx := r.Context()
	procedure := ""
	info := rpc.InfoOf(ctx)
	if info != nil {
		procedure = info.Procedure
	}
	access, known := s.accessOf(info, procedure)
	if !known && procedure == "" {
		access, known = s.paths[r.URL.Path]
	}
	if known && access.policy.Verifier != policy.NoVerifier || procedure == "" && (openPaths[r.URL.Path] || s.OpenPaths[r.URL.Path]) {
		return nil
	}
	caller, ok := auth.CallerOf(ctx)
	switch {
	case !ok && known && s.SelfVerified != nil && s.SelfVerified(r):
		return nil
	case !ok && !known && procedure == "" && s.SignedPath != nil && s.SignedPath(r):
		return nil
	case !ok:
		return connect.NewError(connect.CodeUnauthenticated, errNoCaller)
	case !known && procedure == "": // no method: responds with 404, or for every caller
		return nil
	case !known:
		return connect.NewError(connect.CodePermissionDenied, errNoPolicy)
	case access.permits(caller) || access.policy.OwnerField != "" && caller.Nickname != "":
		return nil
	}
	return connect.NewError(connect.CodePermissionDenied, access.denied)
}

// errNoPolicy is the error of a method without a policy.
var errNoPolicy = errors.New("not allowed: the method has no policy")

// refuse responds with an error.
func (s *authorizeStage) refuse(w http.ResponseWriter, r *http.Request, err *connect.Error) {
	if err.Code() == connect.CodeUnauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	} else if info := rpc.InfoOf(r.Context()); s.Refused != nil && info != nil && info.Procedure != "" {
		s.Refused(r.Context(), info.Procedure)
	}
	rpc.WriteError(w, r, err, s.log)
}
