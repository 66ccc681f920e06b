package rpc

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
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

	Draining <-chan struct{} // closed when the process begins to stop: the port is not ready from then on; nil if never
	Stopping <-chan struct{} // closed when the port stops, which ends the streams of health; nil if never
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
	mux.Handle(described(grpcreflect.NewHandlerV1(reflector, readMax(maxProbeBytes))))
	mux.Handle(described(grpcreflect.NewHandlerV1Alpha(reflector, readMax(maxProbeBytes))))
	health := &healthChecker{names: names, ready: l.Ready, draining: l.Draining, stopping: l.Stopping}
	path, byGRPC := grpchealth.NewHandler(health, readMax(maxProbeBytes))
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
	procedures := map[string]bool{}
	for _, s := range l.Services {
		found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(s.Name()))
		if err != nil {
			return nil, fmt.Errorf("serve %s: %w", s.Name(), err)
		}
		methods := found.(protoreflect.ServiceDescriptor).Methods() //nolint:forcetypeassert // the name is that of a service
		for i := range methods.Len() {
			m := methods.Get(i)
			procedures[s.Path+string(m.Name())] = m.IsStreamingServer() || m.IsStreamingClient()
		}
	}
	var handler http.Handler = unknownPaths{mux, rest.log}
	for _, stage := range slices.Backward(l.Stages) {
		handler = stage(handler)
	}
	return &router{next: handler, procedures: procedures, routes: &rest.routes, rules: rest.rules}, nil
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // fails only if the caller is gone
}
