package rpc

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// protoCodec is Connect's binary codec that refuses requests beyond a limit before it
// decodes them.
type protoCodec struct{ limit sizeLimit }

// Name is what the codec is called in Content-Type.
func (protoCodec) Name() string { return "proto" }

// Marshal encodes a message.
func (protoCodec) Marshal(message any) ([]byte, error) {
	return proto.Marshal(message.(proto.Message)) //nolint:forcetypeassert // handlers know no other
}

// MarshalAppend encodes a message behind dst.
func (protoCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	return proto.MarshalOptions{}.MarshalAppend(dst, message.(proto.Message)) //nolint:forcetypeassert // as above
}

// MarshalStable lets answers to HTTP GET be cached.
func (protoCodec) MarshalStable(message any) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(message.(proto.Message)) //nolint:forcetypeassert // as above
}

// IsBinary reports that the bytes are encoded again in a URL.
func (protoCodec) IsBinary() bool { return true }

// Unmarshal decodes a request.
func (c protoCodec) Unmarshal(data []byte, message any) error {
	m := message.(proto.Message) //nolint:forcetypeassert // as above
	if err := c.limit.checkWire(data, m.ProtoReflect().Descriptor()); err != nil {
		return err
	}
	if err := proto.Unmarshal(data, m); err != nil {
		return fmt.Errorf("the request is not the message that is wanted: %w", err)
	}
	return nil
}
