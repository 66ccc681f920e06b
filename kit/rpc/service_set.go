package rpc

import (
	"net/http"
	"sync/atomic"
)

// A ServiceSet holds services of a port that change while it is served. Each request is served
// by the services that were in the set when it arrived. The zero value is an empty set. It is
// safe for concurrent use.
//
// The port's own services come first: a path that one of them serves is theirs.
type ServiceSet struct{ current atomic.Pointer[joinedPort] }

// A joinedPort is the services of a ServiceSet at a time.
type joinedPort struct {
	handler    http.Handler
	procedures map[string]procedure // by path
	routes     *routes
}

// Replace replaces all services of the set. It changes nothing if it returns an error: for a
// REST path that two of the services have.
func (s *ServiceSet) Replace(services ...Service) error {
	mux := http.NewServeMux()
	for _, service := range services {
		mux.Handle(service.Path, withDescribedErrors(withQueryCheck(service.Handler)))
	}
	rest, err := mountREST(mux, services)
	if err != nil {
		return err
	}
	procedures, err := proceduresOf(services)
	if err != nil {
		return err
	}
	s.current.Store(&joinedPort{handler: mux, procedures: procedures, routes: &rest.routes})
	return nil
}

// find sets the method of a request by the path of a procedure, if the set has it.
func (s *ServiceSet) find(info *RequestInfo, path string) {
	port := s.current.Load()
	if port == nil {
		return
	}
	if found, ok := port.procedures[path]; ok {
		info.port, info.Procedure, info.Streaming, info.Attachment = port, path, found.streaming, found.attachment
	}
}

// route sets the method of a request by its REST path, and reports whether the set has the
// path. It leaves a path of the port's own services, whatever the method, to them.
func (s *ServiceSet) route(info *RequestInfo, r *http.Request) bool {
	port := s.current.Load()
	if port == nil || info.matchErr != nil {
		return false
	}
	match, err := port.routes.match(r.Method, r.URL.EscapedPath())
	switch {
	case match.route != nil:
		found := port.procedures[match.procedure]
		info.Procedure, info.Route, info.Streaming, info.Attachment = match.procedure, match.pattern, match.events, found.attachment
	case err == nil && len(match.allow) == 0, len(info.match.allow) > 0:
		return false
	}
	info.port, info.match, info.matchErr, info.legacy = port, match, err, false
	return true
}
