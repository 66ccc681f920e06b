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
)

var (
	errForeignHost   = errors.New("host: not served here; name it with --allowed-hosts if it is meant to lead here")
	errForeignOrigin = errors.New("origin: pages of other sites may not call this server")
)

// Protect returns next behind a guard against pages of other sites, which can make a
// browser on this machine or its network send requests: the Host must be served, and
// the Origin, where there is one, must be the Host. Refused requests are 403, or
// permission_denied by the protocol of the request.
func Protect(next http.Handler, hosts Hosts, log *slog.Logger) http.Handler {
	g := &guard{hosts: hosts, cross: http.NewCrossOriginProtection(), errors: connect.NewErrorWriter(), log: log}
	g.logged.Interval = time.Minute
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.check(r); err != nil {
			g.refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// A guard refuses the requests that Protect is against.
type guard struct {
	hosts  Hosts
	cross  *http.CrossOriginProtection
	errors *connect.ErrorWriter
	log    *slog.Logger
	logged rate.Sometimes // anybody can send such requests
}

// check returns why a request is refused, and nil where it is not. Methods that change
// nothing may come from links of other sites, without an Origin.
func (g *guard) check(r *http.Request) error {
	if !g.hosts.allows(r) {
		return errForeignHost
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

// refuse answers with the error shape of the protocol of the request.
func (g *guard) refuse(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	g.logged.Do(func() {
		g.log.WarnContext(ctx, "request refused, further ones in this minute are not logged",
			"error", err, "host", shorten(r.Host), "origin", shorten(r.Header.Get("Origin")), "path", shorten(r.URL.Path))
	})
	if isProcedure(r.URL.Path) {
		_ = g.errors.Write(w, r, connect.NewError(connect.CodePermissionDenied, err)) // a caller that left needs no answer
		return
	}
	(&restWriter{ResponseWriter: w, log: g.log, rule: restRule{legacy: isLegacy(r.URL.Path)}}).fail(http.StatusForbidden, err.Error())
}

// isProcedure reports whether a path is that of a procedure, /package.Service/Method,
// and not of REST.
func isProcedure(path string) bool {
	return strings.Count(path, "/") == 2 && !strings.HasPrefix(path, "/v1/")
}

// isLegacy reports whether a path is one of the older service, whose errors have more
// names.
func isLegacy(path string) bool {
	path = strings.TrimSuffix(path, "/")
	return path == "/v1/alerts" || path == "/v1/groups" || strings.HasPrefix(path, "/v1/groups/")
}
