package rpc

import (
	"errors"
	"fmt"
	"net/http"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// A DynamicSchema is a service that is known only at run time, with the files of its messages.
type DynamicSchema struct {
	Service protoreflect.ServiceDescriptor
	Files   *protoregistry.Files // hold Service, and all that it imports; not changed any more
}

// An Upstream is where the calls of a service go.
type Upstream struct {
	Client connect.HTTPClient // by HTTP/2
	URL    string             // the base URL
	// Options are those of ClientOptions, which name the upstream.
	Options connect.ClientOption
}

// dynamicSchema is a DynamicSchema with its types.
type dynamicSchema struct {
	service protoreflect.ServiceDescriptor
	types   Types
}

// A dynamicMessage is a request or a response of a service that is known only at run time.
type dynamicMessage = dynamicpb.Message

// Dynamic returns a service for public callers that is known only at run time, by every
// protocol, with the limits of Public. Its requests are decoded, and pass the interceptors of
// o, as those of any other service; then they are sent to upstream. Headers and trailers that
// are neither the protocol's nor credentials are passed in both directions.
//
// It returns an error if the rules of a request cannot be compiled, or if a REST path is not
// supported.
func Dynamic(o Options, schema DynamicSchema, upstream Upstream) (Service, error) {
	own := &dynamicSchema{service: schema.Service, types: newDynamicTypes(schema.Files)}
	if _, err := routesOf(schema.Service, o.rest.rules); err != nil {
		return Service{}, err
	}
	rules, err := newDynamicValidator(own)
	if err != nil {
		return Service{}, err
	}
	options := o.boundedTypes(maxPublicBytes, publicLimit, rules, own.types)
	path := "/" + string(schema.Service.FullName()) + "/"
	mux := http.NewServeMux()
	methods := schema.Service.Methods()
	for i := range methods.Len() {
		m := newDynamicMethod(methods.Get(i), upstream, o.rest)
		mux.Handle(m.procedure, m.handler(options))
	}
	return Service{Path: path, Handler: withShortHeaders(mux), rest: o.rest, dynamic: own}, nil
}

// newDynamicValidator returns the validator of the requests of a service. It is not the global
// one, which would keep the rules of services that are replaced.
func newDynamicValidator(schema *dynamicSchema) (protovalidate.Validator, error) {
	rules, err := protovalidate.New(protovalidate.WithExtensionTypeResolver(schema.types))
	if err != nil {
		return nil, fmt.Errorf("validate: %w", err)
	}
	methods := schema.service.Methods()
	for i := range methods.Len() {
		err := rules.Validate(dynamicpb.NewMessage(methods.Get(i).Input()))
		if _, invalid := errors.AsType[*protovalidate.CompilationError](err); invalid {
			return nil, fmt.Errorf("rules of %s: %w", methods.Get(i).Input().FullName(), err)
		}
	}
	return rules, nil
}

// A dynamicMethod forwards the calls of a method.
type dynamicMethod struct {
	descriptor protoreflect.MethodDescriptor
	procedure  string
	client     *connect.Client[dynamicMessage, dynamicMessage]
	rest       *restShared
}

func newDynamicMethod(m protoreflect.MethodDescriptor, upstream Upstream, rest *restShared) *dynamicMethod {
	d := &dynamicMethod{descriptor: m, procedure: procedureOf(m), rest: rest}
	client := upstream.Client
	if m.IsStreamingClient() {
		client = abortingClient{client}
	}
	d.client = connect.NewClient[dynamicMessage, dynamicMessage](client, upstream.URL+d.procedure,
		connect.WithSchema(m), connect.WithIdempotency(idempotencyOf(m)), upstream.Options,
		connect.WithReadMaxBytes(maxInternalBytes),
		connect.WithResponseInitializer(func(_ connect.Spec, message any) error { return initialize(message, m.Output()) }),
	)
	return d
}

// handler returns the handler of the method.
func (d *dynamicMethod) handler(options []connect.HandlerOption) http.Handler {
	option := connect.WithHandlerOptions(append(options,
		connect.WithSchema(d.descriptor), connect.WithIdempotency(idempotencyOf(d.descriptor)),
		connect.WithRequestInitializer(func(_ connect.Spec, message any) error { return initialize(message, d.descriptor.Input()) }),
	)...)
	switch receives, sends := d.descriptor.IsStreamingClient(), d.descriptor.IsStreamingServer(); {
	case receives && sends:
		return withOpenBody(connect.NewBidiStreamHandler(d.procedure, d.bidiStream, option))
	case receives:
		return withOpenBody(connect.NewClientStreamHandler(d.procedure, d.clientStream, option))
	case sends:
		return connect.NewServerStreamHandler(d.procedure, d.serverStream, option)
	}
	return connect.NewUnaryHandler(d.procedure, d.unary, option)
}

// initialize gives an empty message its type.
func initialize(message any, descriptor protoreflect.MessageDescriptor) error {
	m, ok := message.(*dynamicMessage)
	if !ok {
		return fmt.Errorf("message of type %T is not dynamic", message)
	}
	*m = *dynamicpb.NewMessage(descriptor)
	return nil
}

// procedureOf returns the path of a method in Connect.
func procedureOf(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// idempotencyOf returns the declared idempotency of a method.
func idempotencyOf(m protoreflect.MethodDescriptor) connect.IdempotencyLevel {
	options, _ := m.Options().(*descriptorpb.MethodOptions)
	switch options.GetIdempotencyLevel() {
	case descriptorpb.MethodOptions_NO_SIDE_EFFECTS:
		return connect.IdempotencyNoSideEffects
	case descriptorpb.MethodOptions_IDEMPOTENT:
		return connect.IdempotencyIdempotent
	}
	return connect.IdempotencyUnknown
}
