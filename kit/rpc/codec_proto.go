package rpc

import (
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// protoCodec is Connect's binary codec. It refuses requests beyond a limit before it
// decodes them.
type protoCodec struct {
	limit sizeLimit
	types Types // resolve extensions; nil for those of the program
}

// Name returns the codec's name in Content-Type.
func (protoCodec) Name() string { return "proto" }

// Marshal encodes a message.
func (protoCodec) Marshal(message any) ([]byte, error) {
	if e, ok := message.(*Encoded); ok {
		return e.appendBinary(nil), nil // a copy: Connect reuses the bytes
	}
	return proto.Marshal(message.(proto.Message)) //nolint:forcetypeassert // handlers use no other type
}

// MarshalAppend appends the encoded message to dst.
func (protoCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	if e, ok := message.(*Encoded); ok {
		return e.appendBinary(dst), nil
	}
	return proto.MarshalOptions{}.MarshalAppend(dst, message.(proto.Message)) //nolint:forcetypeassert // as above
}

// MarshalStable returns deterministic output: responses to GET are cacheable.
func (protoCodec) MarshalStable(message any) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(message.(proto.Message)) //nolint:forcetypeassert // as above
}

// IsBinary returns true: a URL holds the bytes in base64.
func (protoCodec) IsBinary() bool { return true }

// Unmarshal decodes a request.
func (c protoCodec) Unmarshal(data []byte, message any) error {
	m := message.(proto.Message) //nolint:forcetypeassert // as above
	if err := c.limit.checkWire(data, m.ProtoReflect().Descriptor()); err != nil {
		return err
	}
	options := proto.UnmarshalOptions{}
	if c.types != nil {
		options.Resolver = c.types
	}
	if err := options.Unmarshal(data, m); err != nil {
		text := strings.ReplaceAll(err.Error(), "\u00a0", " ") // protobuf varies the space on purpose
		return fault.WithReason(fault.Invalidf("invalid Protobuf message: %s", text), reasonMalformed)
	}
	return nil
}
