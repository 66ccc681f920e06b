package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// AuthMetrics counts requests whose credentials were not accepted.
type AuthMetrics interface {
	// RefusedCredential counts a refused credential. reason is an auth.Reason, or unavailable
	// for one that could not be verified.
	RefusedCredential(reason string)
}

// An Authenticator authenticates the callers of the edge. It is safe for concurrent use.
type Authenticator struct {
	callers *auth.Authenticator
	metrics AuthMetrics
	log     *slog.Logger
	refused rate.Sometimes // any client can cause such log lines
}

// NewAuthenticator returns an Authenticator.
func NewAuthenticator(callers *auth.Authenticator, metrics AuthMetrics, log *slog.Logger) *Authenticator {
	return &Authenticator{callers: callers, metrics: metrics, log: log, refused: rate.Sometimes{Interval: time.Second}}
}

// Stage returns the stage that puts the caller of a request into its context and its
// RequestInfo. It refuses credentials that are not accepted: with 401, and with 503 if that
// cannot be decided now. A request without credentials is passed on without a caller: the
// Authorizer decides what is allowed without a caller.
func (a *Authenticator) Stage(next http.Handler) http.Handler { return &authenticateStage{a, next} }

// An authenticateStage is the stage of an Authenticator.
type authenticateStage struct {
	*Authenticator
	next http.Handler
}

// ServeHTTP serves or refuses a request.
func (s *authenticateStage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	caller, ok, err := s.callers.Authenticate(ctx, r.Header, clientOf(r))
	switch {
	case err != nil:
		refused := s.refuse(r, err)
		if refused.Code() == connect.CodeUnauthenticated { // no metadata of the error: by gRPC those are trailers, in which it is not allowed
			w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		}
		rpc.WriteError(w, r, refused, s.log)
	case !ok:
		s.next.ServeHTTP(w, r)
	default:
		if info := rpc.InfoOf(ctx); info != nil {
			info.Caller = caller.ID
		}
		s.next.ServeHTTP(w, r.WithContext(auth.WithCaller(ctx, caller)))
	}
}

// errUnverified is the error of a credential that cannot be verified now.
var errUnverified = errors.New("credentials cannot be verified now; try again")

// refuse counts and logs a credential that is not accepted, and returns the error for its
// caller.
func (s *authenticateStage) refuse(r *http.Request, err error) *connect.Error {
	ctx := r.Context()
	refusal, ok := errors.AsType[*auth.Refusal](err)
	if !ok {
		if ctx.Err() != nil {
			return connect.NewError(connect.CodeCanceled, context.Cause(ctx)) // the caller is gone
		}
		s.metrics.RefusedCredential("unavailable")
		s.refused.Do(func() {
			s.log.ErrorContext(ctx, "credentials cannot be verified, requests get 503; not logging further ones for a second", "error", err)
		})
		return connect.NewError(connect.CodeUnavailable, errUnverified)
	}
	s.metrics.RefusedCredential(string(refusal.Reason))
	s.refused.Do(func() {
		s.log.WarnContext(ctx, "credential refused, not logging further ones for a second",
			"reason", string(refusal.Reason), "caller", refusal.Caller, "client", clientOf(r).String(), "procedure", procedureOf(ctx), "cause", causeOf(refusal))
	})
	return connect.NewError(connect.CodeUnauthenticated, refusal)
}

// procedureOf returns the procedure of a request; empty if it has none.
func procedureOf(ctx context.Context) string {
	if info := rpc.InfoOf(ctx); info != nil {
		return info.Procedure
	}
	return ""
}

// maxCauseBytes limits the logged cause of a refusal, which may quote a token.
const maxCauseBytes = 200

func causeOf(refusal *auth.Refusal) string {
	if refusal.Cause == nil {
		return ""
	}
	text := refusal.Cause.Error()
	return text[:min(len(text), maxCauseBytes)]
}

// clientOf returns the address of the client: that of an earlier stage or, without one, that
// of the connection. It is invalid if both are unknown.
func clientOf(r *http.Request) netip.Addr {
	if info := rpc.InfoOf(r.Context()); info != nil && info.Client.IsValid() {
		return info.Client
	}
	remote, _ := netip.ParseAddrPort(r.RemoteAddr)
	return remote.Addr()
}
