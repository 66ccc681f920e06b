// Package rpc serves the API: one handler answers Connect, gRPC, gRPC-Web and
// JSON over HTTP, and where its Protobuf file says so REST, on one port. It knows
// the order of the interceptors and turns faults into codes; it knows no service.
package rpc

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"connectrpc.com/otelconnect"
	"connectrpc.com/validate"
	"go.opentelemetry.io/otel/metric"
)

const (
	// maxPublicBytes bounds a request from outside: an alert with 1000 targets and
	// a message of the greatest length is below 300 kB.
	maxPublicBytes = 1 << 20
	// maxInternalBytes bounds a request between services: 10000 reports with an
	// excerpt each are below 16 MB.
	maxInternalBytes = 32 << 20
	// maxBulkBytes bounds a request that brings a whole directory: 100,000 users with
	// an address each are below 20 MB.
	maxBulkBytes = 32 << 20
	// bulkTurns is how many of those are read at a time.
	bulkTurns = 4
	// compressMinBytes is from where an answer is worth compressing.
	compressMinBytes = 1 << 10
)

// A Service is one Protobuf service, ready to be served.
type Service struct {
	Path    string // "/bongsu.group.v1.GroupService/"
	Handler http.Handler

	rest *restTools // for its google.api.http paths; nil where they are not served
}

// Name is the service's full name in Protobuf.
func (s Service) Name() string { return s.Path[1 : len(s.Path)-1] }

// A Constructor is what Connect generates: New…ServiceHandler.
type Constructor[H any] func(H, ...connect.HandlerOption) (string, http.Handler)

// Options is what all services of a process share.
type Options struct {
	handler []connect.HandlerOption
	rest    *restTools
}

// NewOptions gives the options under which handlers log to log and measure with
// meter. The interceptors stand in the order in which a request meets them.
func NewOptions(log *slog.Logger, meter metric.MeterProvider) (Options, error) {
	measured, err := otelconnect.NewInterceptor(otelconnect.WithMeterProvider(meter))
	if err != nil {
		return Options{}, fmt.Errorf("measure calls: %w", err)
	}
	ignored, err := meter.Meter("github.com/bongsu-project/bongsu/internal/rpc").Int64Counter("bongsu.rest.ignored.fields",
		metric.WithDescription("Unknown fields and query parameters of requests that were ignored, by path."))
	if err != nil {
		return Options{}, fmt.Errorf("measure calls: %w", err)
	}
	return Options{
		handler: []connect.HandlerOption{
			connect.WithInterceptors(measured, faults{log}, connect.UnaryInterceptorFunc(headerField{idempotencyHeader, "idempotency_key"}.intercept), validate.NewInterceptor(validate.WithValidator(validator{protovalidate.GlobalValidator}))),
			recovered(log),
			connect.WithCompressMinBytes(compressMinBytes),
		},
		rest: &restTools{log: log, ignored: ignored},
	}, nil
}

// bounded returns the options under which a message may have limit bytes, on the wire and
// decompressed, and hold as many values as size says.
func (o Options) bounded(limit int, size sizeLimit) []connect.HandlerOption {
	return append(slices.Clone(o.handler), readMax(limit), codecs(size))
}

// Public returns a service that callers outside may call. A message may be as large as
// the largest body of its REST paths.
func Public[H any](o Options, construct Constructor[H], handler H) Service {
	name, _ := construct(handler) // the options need the path that comes with the handler
	limit := maxPublicBytes
	for _, r := range restRulesOf(name) {
		limit = max(limit, int(r.limit())+rawOverheadBytes)
	}
	path, h := construct(handler, o.bounded(limit, publicLimit)...)
	return Service{Path: path, Handler: withShortHeaders(h), rest: o.rest}
}

// Internal returns a service for other services only: no REST, and larger requests.
func Internal[H any](o Options, construct Constructor[H], handler H) Service {
	path, h := construct(handler, o.bounded(maxInternalBytes, internalLimit)...)
	return Service{Path: path, Handler: withShortHeaders(h)}
}

// Bulk returns a service that callers outside may call with large requests: no REST,
// and few calls at a time. A call takes its turn when its request has arrived whole, so
// that one that does not end keeps nobody out.
func Bulk[H any](o Options, construct Constructor[H], handler H) Service {
	path, h := construct(handler, o.bounded(maxBulkBytes, bulkLimit)...)
	h = withShortHeaders(h)
	turns := make(chan struct{}, bulkTurns)
	writer := connect.NewErrorWriter()
	return Service{Path: path, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := arrived(r, maxBulkBytes+envelopeBytes)
		if err != nil {
			_ = writer.Write(w, r, err) // a caller that left needs no answer
			return
		}
		select {
		case turns <- struct{}{}:
			defer func() { <-turns }()
			h.ServeHTTP(w, r)
		case <-r.Context().Done(): // a caller that left needs no answer
		}
	})}
}
