package rpc

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
)

var errNoPeer = fault.WithReason(errors.New("this port is for other processes of the system: the internal key, or the client certificate, is missing or wrong"), reasonNoPeer)

// Stage returns the stage of a port for peers: it refuses requests that are not of a peer
// with unauthenticated, and passes on the caller on whose behalf a peer calls. Health, by HTTP
// and gRPC, is open to all. If peers need not authenticate, Stage returns nil, and callers are
// not passed on: anybody could claim to be one. open are patterns of a http.ServeMux, such as
// "GET /.well-known/jwks.json", of other requests that are open to all; methods of Protobuf services
// never are.
func (p *Peers) Stage(open ...string) Stage {
	return p.stage(false, open)
}

// StageOfProcedures is Stage for a port with other handlers: it refuses only requests to its
// Protobuf services, and needs no certificate, as those handlers do not.
func (p *Peers) StageOfProcedures() Stage {
	return p.stage(true, nil)
}

func (p *Peers) stage(proceduresOnly bool, open []string) Stage {
	if !p.Required() || proceduresOnly && p.keys == nil {
		return nil
	}
	opened := http.NewServeMux()
	for _, pattern := range open {
		opened.Handle(pattern, http.NotFoundHandler()) // only its pattern is used
	}
	return func(next http.Handler) http.Handler {
		return &peerGuard{next: next, peers: p, proceduresOnly: proceduresOnly, opened: opened}
	}
}

// A peerGuard refuses requests that are not of peers.
type peerGuard struct {
	next           http.Handler
	peers          *Peers
	proceduresOnly bool
	opened         *http.ServeMux   // has the patterns of requests that are open to all
	refused        throttledWarning // anybody can cause such warnings
}

// ServeHTTP serves or refuses a request.
func (g *peerGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.isOpen(r) {
		g.next.ServeHTTP(w, r)
		return
	}
	if !g.isPeer(r) {
		g.refuse(w, r)
		return
	}
	if value := r.Header.Get(callerHeader); value != "" {
		caller, err := auth.DecodeCaller(value)
		if err != nil {
			WriteError(w, r, connect.NewError(connect.CodeInvalidArgument, err), g.peers.log)
			return
		}
		if info := InfoOf(r.Context()); info != nil {
			info.Caller = caller.ID
		}
		r = r.WithContext(auth.WithCaller(r.Context(), caller))
	}
	g.next.ServeHTTP(w, r)
}

// isOpen reports whether a request needs no peer.
func (g *peerGuard) isOpen(r *http.Request) bool {
	if g.proceduresOnly {
		info := InfoOf(r.Context())
		return info == nil || info.Procedure == ""
	}
	path := r.URL.Path
	if _, pattern := g.opened.Handler(r); pattern != "" && !isMethod(r) {
		return true
	}
	return path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/"+grpchealth.HealthV1ServiceName+"/")
}

// isMethod reports whether a request is to a Protobuf service, reflection included.
func isMethod(r *http.Request) bool {
	info := InfoOf(r.Context())
	return info == nil || info.Procedure != "" || strings.HasPrefix(r.URL.Path, "/grpc.")
}

// isPeer reports whether a request has the key, and came with a verified certificate, as far
// as they are configured.
func (g *peerGuard) isPeer(r *http.Request) bool {
	if g.peers.keys != nil {
		scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || !g.peers.keys.Has(key) {
			return false
		}
	}
	return g.peers.cert == nil || g.proceduresOnly || r.TLS != nil && len(r.TLS.VerifiedChains) > 0
}

// refuse responds by the protocol of the request.
func (g *peerGuard) refuse(w http.ResponseWriter, r *http.Request) {
	if g.refused.due() {
		g.peers.log.WarnContext(r.Context(), "internal request refused, not logging further ones for a minute",
			slog.String("path", truncateName(r.URL.Path)), slog.String("remote", r.RemoteAddr), slog.String("hint", "each process needs the same --internal-key-file, and a certificate of --internal-tls-ca"))
	}
	err := connect.NewError(connect.CodeUnauthenticated, errNoPeer)
	err.Meta().Set("WWW-Authenticate", "Bearer")
	WriteError(w, r, err, g.peers.log)
}
