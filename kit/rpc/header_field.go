package rpc

import (
	"context"
	"unicode/utf8"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// idempotencyHeader is the header for the field idempotency_key.
const idempotencyHeader = "Idempotency-Key"

// A headerField copies a header into a field of the request, by every protocol. It applies
// to each request message that has a field of the name.
type headerField struct {
	header string
	field  protoreflect.Name
}

// intercept is the interceptor. It returns fault.ErrInvalid if field and header differ.
func (h headerField) intercept(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if value := req.Header().Get(h.header); value != "" {
			if err := h.copy(value, req.Any()); err != nil {
				return nil, err
			}
		}
		return next(ctx, req)
	}
}

// copy sets the field of a request that has it.
func (h headerField) copy(value string, req any) error {
	message, ok := req.(proto.Message)
	if !ok {
		return nil
	}
	if !utf8.ValidString(value) {
		return headerError(h.header, "not valid UTF-8")
	}
	m := message.ProtoReflect()
	field := m.Descriptor().Fields().ByName(h.field)
	if field == nil {
		return nil
	}
	if m.Has(field) && m.Get(field).String() != value {
		return fault.WithField(fault.Invalidf("%s and header %s differ", h.field, h.header), string(h.field))
	}
	m.Set(field, protoreflect.ValueOfString(value))
	return nil
}
