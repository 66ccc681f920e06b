package rpc

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
)

// maxProbeBytes limits a request of reflection or health, which names a symbol or a
// service.
const maxProbeBytes = 16 << 10

// A Listener is a listener: one port, with the services that it serves.
type Listener struct {
	Services []Service
	Ready    func(context.Context) error // returns nil if the process can do its work
	Handlers map[string]http.Handler     // by pattern, such as "GET /metrics"
	Stages   []Stage                     // in the order in which they see a request
	Joined   *ServiceSet                 // further services, which may change; nil for none

	Draining <-chan struct{} // closed when the process begins to stop: the port is not ready from then on; nil if never
	Stopping <-chan struct{} // closed when the port stops, which ends the streams of health and of Server-Sent Events; nil if never
}

// Handler returns the handler of the whole port: the services by every protocol, their REST
// paths, reflection, health by gRPC (grpc.health.v1, with Watch) and by HTTP (/healthz: the
// process is alive; /readyz: it can do its work, and does not stop).
func (l Listener) Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	names := make([]string, 0, len(l.Services))
	for _, s := range l.Services {
		mux.Handle(s.Path, withDescribedErrors(withQueryCheck(s.Handler)))
		names = append(names, s.Name())
	}
	rest, err := mountREST(mux, l.Services)
	if err != nil {
		return nil, err
	}
	reflector := grpcreflect.NewStaticReflector(append(names, grpchealth.HealthV1ServiceName)...)
	options := connect.WithHandlerOptions(readMax(maxProbeBytes), connect.WithCompressMinBytes(compressMinBytes))
	mux.Handle(described(grpcreflect.NewHandlerV1(reflector, options)))
	mux.Handle(described(grpcreflect.NewHandlerV1Alpha(reflector, options)))
	health := &healthChecker{names: names, ready: l.Ready, draining: l.Draining, stopping: l.Stopping}
	path, byGRPC := grpchealth.NewHandler(health, options)
	mux.Handle(described(path, withQueryCheck(byGRPC)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", health.readyz)
	for pattern, handler := range l.Handlers {
		mux.Handle(pattern, handler)
	}
	return l.staged(mux, rest)
}

// described returns the arguments of a mux for a handler with described errors.
func described(path string, handler http.Handler) (string, http.Handler) {
	return path, withDescribedErrors(handler)
}

// staged returns mux behind the router and the stages.
func (l Listener) staged(mux *http.ServeMux, rest *restHandler) (http.Handler, error) {
	procedures, err := proceduresOf(l.Services)
	if err != nil {
		return nil, err
	}
	var handler http.Handler = unknownPaths{mux, rest.log}
	for _, stage := range slices.Backward(l.Stages) {
		handler = stage(handler)
	}
	return &router{next: handler, procedures: procedures, routes: &rest.routes, rules: rest.rules, joined: l.Joined, stopping: newStopSignal(l.Stopping)}, nil
}

// A procedure is a method of a port.
type procedure struct {
	streaming  bool
	attachment any // as in Service.Attachments
}

// proceduresOf returns the procedures of services by their paths.
func proceduresOf(services []Service) (map[string]procedure, error) {
	procedures := map[string]procedure{}
	for _, s := range services {
		service, err := s.descriptor()
		if err != nil {
			return nil, fmt.Errorf("serve %s: %w", s.Name(), err)
		}
		methods := service.Methods()
		for i := range methods.Len() {
			m := methods.Get(i)
			path := s.Path + string(m.Name())
			procedures[path] = procedure{m.IsStreamingServer() || m.IsStreamingClient(), s.Attachments[path]}
		}
	}
	return procedures, nil
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // fails only if the caller is gone
}
