package balance

import (
	"context"
	"net/http"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// idempotencyHeader marks a request that its service executes once, however often it
// arrives.
const idempotencyHeader = "Idempotency-Key"

type repeatableKey struct{}

// WithRepeatable returns a context for a request that may be executed twice, because its
// message has an idempotency key.
func WithRepeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatableKey{}, true)
}

// isRepeatable reports whether ctx is that of WithRepeatable.
func isRepeatable(ctx context.Context) bool { return ctx.Value(repeatableKey{}) != nil }

// Methods returns a function for Options.Repeatable: requests of methods that are
// NO_SIDE_EFFECTS, and requests with an Idempotency-Key header, may be executed twice. It
// reads the descriptors at once; nil means the linked ones.
func Methods(files *protoregistry.Files) func(procedure string, header http.Header) bool {
	if files == nil {
		files = protoregistry.GlobalFiles
	}
	methods := map[string]bool{}
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				if m := service.Methods().Get(j); hasNoSideEffects(m) {
					methods["/"+string(service.FullName())+"/"+string(m.Name())] = true
				}
			}
		}
		return true
	})
	return func(procedure string, header http.Header) bool {
		return methods[procedure] || header.Get(idempotencyHeader) != ""
	}
}

// hasNoSideEffects reports whether a method is NO_SIDE_EFFECTS.
func hasNoSideEffects(m protoreflect.MethodDescriptor) bool {
	options, ok := m.Options().(*descriptorpb.MethodOptions)
	return ok && options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS
}
