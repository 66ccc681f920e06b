package rpc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
)

// maxQuestionBytes bounds a request of reflection or health, which names a symbol or a
// service.
const maxQuestionBytes = 16 << 10

// readyTimeout bounds what a question about readiness may take.
const readyTimeout = 2 * time.Second

// A Face is what one port shows.
type Face struct {
	Services []Service
	Ready    func(context.Context) error // nil error: it can do its work
	Extra    map[string]http.Handler     // by pattern, such as "GET /metrics"
}

// Handler gives the handler of the whole port: the services by every protocol,
// their REST paths, reflection, health by gRPC (grpc.health.v1) and by HTTP
// (/healthz: the process lives; /readyz: it can do its work).
func (f Face) Handler() (http.Handler, error) {
	mux := http.NewServeMux()
	names := make([]string, 0, len(f.Services))
	for _, s := range f.Services {
		mux.Handle(s.Path, checkedQueries(s.Handler))
		names = append(names, s.Name())
	}
	if err := mountREST(mux, f.Services); err != nil {
		return nil, err
	}
	reflector := grpcreflect.NewStaticReflector(append(names, grpchealth.HealthV1ServiceName)...)
	mux.Handle(grpcreflect.NewHandlerV1(reflector, readMax(maxQuestionBytes)))
	mux.Handle(grpcreflect.NewHandlerV1Alpha(reflector, readMax(maxQuestionBytes)))
	path, health := grpchealth.NewHandler(&checker{names: names, ready: f.Ready}, readMax(maxQuestionBytes))
	mux.Handle(path, checkedQueries(health))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", f.readyz)
	for pattern, handler := range f.Extra {
		mux.Handle(pattern, handler)
	}
	return mux, nil
}

func (f Face) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := f.Ready(ctx); err != nil {
		say(w, http.StatusServiceUnavailable, outsideError(err).Message())
		return
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // a caller that left needs no answer
}

// A checker answers grpc.health.v1 for the port and each of its services.
type checker struct {
	names []string
	ready func(context.Context) error
}

// Check says SERVING where the port can do its work. It returns not_found for a
// service that is not served here.
func (c *checker) Check(ctx context.Context, req *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if req.Service != "" && !slices.Contains(c.names, req.Service) {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("no such service on this port"))
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := c.ready(ctx); err != nil {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil // not ready is the answer, not a failed question
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
}
