package rpc

import (
	"context"
	"fmt"
	"sync/atomic"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
)

// encodedFactor bounds the memory of an Encoded by the size of its message in Protobuf: the
// message itself, and its forms in Protobuf, in JSON and as a REST body.
const encodedFactor = 12

// An Encoded is a response message for several responses. It is encoded once in each form. It
// is safe for concurrent use.
type Encoded struct {
	message proto.Message
	binary  []byte
	json    atomic.Pointer[[]byte]
	rest    atomic.Pointer[restForm]
}

// A restForm is the body of a REST response.
type restForm struct {
	route string // the pattern of the route
	body  []byte
}

// Encode returns message for several responses. The message must not be changed any more.
func Encode(message proto.Message) (*Encoded, error) {
	binary, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode response: %w", err)
	}
	return &Encoded{message: message, binary: binary}, nil
}

// Binary returns the message in Protobuf, which is the same for equal messages. The caller
// must not change it.
func (e *Encoded) Binary() []byte { return e.binary }

// Size returns the bytes that the message holds in all its forms, roughly.
func (e *Encoded) Size() int { return encodedFactor * len(e.binary) }

// Response returns a response of the call of ctx with the message.
func (e *Encoded) Response(ctx context.Context) connect.AnyResponse {
	if info := InfoOf(ctx); info != nil && info.keepsBody {
		info.encoded = e
		if e.restBody(info.Route) != nil {
			return connect.NewResponse(&Encoded{}) // restWriter writes the kept body instead
		}
	}
	return connect.NewResponse(e)
}

// appendBinary appends the message in Protobuf.
func (e *Encoded) appendBinary(dst []byte) []byte { return append(dst, e.binary...) }

// appendJSON appends the message in JSON, with the types of its service.
func (e *Encoded) appendJSON(dst []byte, types Types) ([]byte, error) {
	if kept := e.json.Load(); kept != nil {
		return append(dst, *kept...), nil
	}
	text, err := appendJSON(nil, e.message, types)
	if err != nil {
		return nil, err
	}
	e.json.Store(&text)
	return append(dst, text...), nil
}

// restBody returns the body of the REST responses of a route, or nil if none is kept.
func (e *Encoded) restBody(route string) []byte {
	if form := e.rest.Load(); form != nil && form.route == route {
		return form.body
	}
	return nil
}

// keepBody keeps the body of the REST responses of a route.
func (e *Encoded) keepBody(route string, body []byte) { e.rest.Store(&restForm{route, body}) }
