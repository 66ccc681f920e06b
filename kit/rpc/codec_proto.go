package rpc

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// protoCodec is Connect's binary codec. It refuses requests beyond a limit before it
// decodes them.
type protoCodec struct{ limit sizeLimit }

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
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Errorf("invalid Protobuf message: %w", err)
	}
	return nil
}
