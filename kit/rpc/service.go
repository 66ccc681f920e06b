// Package rpc serves Protobuf services on a port, and calls those of other processes. One
// handler serves Connect, gRPC, gRPC-Web and JSON over HTTP, and REST for methods with a
// google.api.http path. The package limits requests and connections, validates messages by
// the rules of their schema, sets the order of the interceptors, and maps the errors of
// package fault to codes.
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
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const (
	// maxPublicBytes limits a public request; the largest that the rules of the
	// schemas allow is below 300 kB.
	maxPublicBytes = 1 << 20
	// maxInternalBytes limits a request between services: 10,000 messages of 1.5 kB are
	// below 16 MB.
	maxInternalBytes = 32 << 20
	// maxBulkBytes limits a request with a whole data set: 100,000 messages of 200 bytes
	// are below 20 MB.
	maxBulkBytes = 32 << 20
	// maxBulkCalls is the maximum number of concurrent calls with such a request.
	maxBulkCalls = 4
	// compressMinBytes is the least size of a compressed response.
	compressMinBytes = 1 << 10
)

// A Service is one Protobuf service with its handler.
type Service struct {
	Path    string // such as "/library.v1.BookService/"
	Handler http.Handler

	// Attachments holds values by procedure, such as "/library.v1.BookService/GetBook", for the
	// stages of a port: RequestInfo.Attachment is that of the method. nil for none.
	Attachments map[string]any

	rest    *restShared // for its google.api.http paths; nil if they are not served
	dynamic *dynamicSchema
}

// Name returns the full name of the service in Protobuf.
func (s Service) Name() string { return s.Path[1 : len(s.Path)-1] }

// descriptor returns the descriptor of the service: its own, or that which is linked into the
// program.
func (s Service) descriptor() (protoreflect.ServiceDescriptor, error) {
	if s.dynamic != nil {
		return s.dynamic.service, nil
	}
	return linkedService(s.Name())
}

// linkedService returns the descriptor of a service that is linked into the program.
func linkedService(name string) (protoreflect.ServiceDescriptor, error) {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, fmt.Errorf("descriptor of %s: %w", name, err)
	}
	service, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return nil, fmt.Errorf("descriptor of %s: not a service", name)
	}
	return service, nil
}

// types returns the types of the messages of the service; nil for those of the program.
func (s Service) types() Types {
	if s.dynamic == nil {
		return nil
	}
	return s.dynamic.types
}

// A Constructor is a generated function of Connect: New…ServiceHandler.
type Constructor[H any] func(H, ...connect.HandlerOption) (string, http.Handler)

// Options are shared by all services of a process.
type Options struct {
	first []connect.HandlerOption // before the validation
	then  []connect.HandlerOption // after it
	rest  *restShared
}

// meterName is the OpenTelemetry instrumentation scope.
const meterName = "github.com/bongsu-project/bongsu/kit/rpc"

// NewOptions returns options with logging to log, metrics by provider, and the rules of REST
// paths. Interceptors are listed in the order in which they see a request.
func NewOptions(log *slog.Logger, provider metric.MeterProvider, rules RESTRules) (Options, error) {
	measured, err := otelconnect.NewInterceptor(otelconnect.WithMeterProvider(provider), otelconnect.WithoutTracing())
	if err != nil {
		return Options{}, fmt.Errorf("measure calls: %w", err)
	}
	ignored, err := provider.Meter(meterName).Int64Counter("bongsu.rest.ignored.fields",
		metric.WithDescription("Unknown fields and query parameters of requests that were ignored, by path."))
	if err != nil {
		return Options{}, fmt.Errorf("register metrics: %w", err)
	}
	return Options{
		first: []connect.HandlerOption{
			connect.WithInterceptors(eventInterceptor{}, measured, errorInterceptor{log}, connect.UnaryInterceptorFunc(headerField{idempotencyHeader, "idempotency_key"}.intercept)),
		},
		then: []connect.HandlerOption{recoverPanics(log), connect.WithCompressMinBytes(compressMinBytes)},
		rest: &restShared{log: log, ignored: ignored, rules: rules},
	}, nil
}

// Before returns options with interceptors that see a request before its validation, in their
// order.
func (o Options) Before(interceptors ...connect.Interceptor) Options {
	o.first = append(slices.Clone(o.first), connect.WithInterceptors(interceptors...))
	return o
}

// With returns options with interceptors that see a request after its validation, in their
// order.
func (o Options) With(interceptors ...connect.Interceptor) Options {
	o.then = append(slices.Clone(o.then), connect.WithInterceptors(interceptors...))
	return o
}

// bounded returns the options for messages of at most limit bytes, on the wire and
// decompressed, and at most size values.
func (o Options) bounded(limit int, size sizeLimit) []connect.HandlerOption {
	return o.boundedTypes(limit, size, protovalidate.GlobalValidator, nil)
}

// boundedTypes is bounded for messages of types, which rules validates.
func (o Options) boundedTypes(limit int, size sizeLimit, rules protovalidate.Validator, types Types) []connect.HandlerOption {
	valid := connect.WithInterceptors(validate.NewInterceptor(validate.WithValidator(validator{rules})))
	return append(slices.Concat(o.first, []connect.HandlerOption{valid}, o.then), readMax(limit), codecs(size, types))
}

// Public returns a service for public callers. Its largest message is the largest body of
// its REST paths.
func Public[H any](o Options, construct Constructor[H], handler H) Service {
	name, _ := construct(handler) // the options depend on the path that construct returns
	limit := maxPublicBytes
	for _, r := range rawRulesOf(name, o.rest.rules) {
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

// Bulk returns a service for public callers with large requests: no REST, and few
// concurrent calls. A call takes its slot once its request is read, so that a stalled request
// blocks no other.
func Bulk[H any](o Options, construct Constructor[H], handler H) Service {
	path, h := construct(handler, o.bounded(maxBulkBytes, bulkLimit)...)
	h = withShortHeaders(h)
	slots := make(chan struct{}, maxBulkCalls)
	writer := connect.NewErrorWriter()
	return Service{Path: path, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r, err := readWhole(r, maxBulkBytes+envelopeBytes)
		if err != nil {
			_ = writer.Write(w, r, err) // fails only if the caller is gone
			return
		}
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
			h.ServeHTTP(w, r)
		case <-r.Context().Done(): // the caller is gone
		}
	})}
}
