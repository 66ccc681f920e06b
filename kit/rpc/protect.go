package rpc

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"

	"github.com/bongsu-project/bongsu/kit/fault"
)

var (
	errForeignHost   = fault.WithReason(errors.New("host: not allowed; add it to --allowed-hosts if it leads to this server"), reasonForeignHost)
	errForeignOrigin = fault.WithReason(errors.New("origin: pages of other sites may not call this server"), reasonForeignOrigin)
)

// Protect wraps next to refuse requests of other sites' pages, which can make a browser on
// this machine or its network send them: the Host must be allowed, and an Origin must equal
// the Host, unless it is one of hosts.WithOrigins. Refused requests get 403, or permission_denied by the protocol of the request.
func Protect(next http.Handler, hosts Hosts, rules RESTRules, log *slog.Logger) http.Handler {
	g := &originGuard{next: next, hosts: hosts, rules: rules, cross: http.NewCrossOriginProtection(), errors: connect.NewErrorWriter(), log: log}
	g.logged.Interval = time.Minute
	return g
}

// An originGuard refuses cross-origin requests, for Protect.
type originGuard struct {
	next   http.Handler
	hosts  Hosts
	rules  RESTRules
	cross  *http.CrossOriginProtection
	errors *connect.ErrorWriter
	log    *slog.Logger
	logged rate.Sometimes // any client can cause such warnings
}

// ServeHTTP serves or refuses a request.
func (g *originGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := g.check(r); err != nil {
		g.refuse(w, r, err)
		return
	}
	g.next.ServeHTTP(w, r)
}

// check returns the reason to refuse a request, or nil. Safe methods are allowed without an
// Origin, as links of other sites send them.
func (g *originGuard) check(r *http.Request) error {
	if !g.hosts.allows(r) {
		return errForeignHost
	}
	if len(g.hosts.origins) > 0 && g.hosts.origins[r.Header.Get("Origin")] {
		return nil
	}
	if err := g.cross.Check(r); err != nil {
		return errForeignOrigin
	}
	if origin := r.Header.Get("Origin"); origin != "" && r.Header.Get("Sec-Fetch-Site") != "same-origin" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return errForeignOrigin
		}
	}
	return nil
}

// refuse responds with the error format of the protocol of the request.
func (g *originGuard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	g.logged.Do(func() {
		g.log.WarnContext(ctx, "request refused, not logging further ones for a minute",
			"error", err, "host", truncateName(r.Host), "origin", truncateName(r.Header.Get("Origin")), "path", truncateName(r.URL.Path))
	})
	if isProcedure(r.URL.Path) {
		e := describe(connect.NewError(connect.CodePermissionDenied, err), "")
		_ = g.errors.Write(w, r, e) // fails only if the caller is gone
		return
	}
	(&restWriter{ResponseWriter: w, log: g.log, rule: RESTRule{Legacy: g.rules.isLegacy(r.URL.Path)}}).writeError(http.StatusForbidden, err)
}

// isProcedure reports whether a path is a procedure, /package.Service/Method, and not REST.
func isProcedure(path string) bool {
	return strings.Count(path, "/") == 2 && !strings.HasPrefix(path, "/v1/")
}
