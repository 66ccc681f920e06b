package rpc

import (
	"context"
	"fmt"
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
		said := req.Header().Get(h.header)
		message, ok := req.Any().(proto.Message)
		if said == "" || !ok {
			return next(ctx, req)
		}
		if !utf8.ValidString(said) {
			return nil, fmt.Errorf("header %s: not valid UTF-8: %w", h.header, fault.ErrInvalid)
		}
		m := message.ProtoReflect()
		field := m.Descriptor().Fields().ByName(h.field)
		if field == nil {
			return next(ctx, req)
		}
		if m.Has(field) && m.Get(field).String() != said {
			return nil, fmt.Errorf("%s and header %s differ: %w", h.field, h.header, fault.ErrInvalid)
		}
		m.Set(field, protoreflect.ValueOfString(said))
		return next(ctx, req)
	}
}
