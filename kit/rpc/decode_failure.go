package rpc

import (
	"bytes"
	"crypto/rand"
	"encoding/json"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Connect decodes a request before it calls an interceptor, and sends only the text of a
// codec's error. So that such an error has details too, the codecs of handlers return none:
// they leave the message empty but for an unknown field with the failure, which
// errorInterceptor returns.

// A decodeFailure is the error of a codec, in JSON.
type decodeFailure struct {
	Message string        `json:"m"`
	Reason  string        `json:"r,omitempty"`
	Fields  []fault.Field `json:"f,omitempty"`
}

// failureSecret starts the unknown field of a failure. No caller knows it, so none can send
// such a field.
var failureSecret = []byte(rand.Text())

// holdFailure empties m and stores the error of its decoding in it.
func holdFailure(m proto.Message, err error) {
	data, _ := json.Marshal(decodeFailure{err.Error(), fault.ReasonOf(err), fault.Fields(err)}) // it always marshals
	proto.Reset(m)
	field := protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendBytes(field, append(bytes.Clone(failureSecret), data...)))
}

// heldFailure returns the error that holdFailure stored in a message, and nil if there is
// none.
func heldFailure(message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return nil
	}
	unknown := m.ProtoReflect().GetUnknown()
	if len(unknown) == 0 {
		return nil
	}
	number, kind, n := protowire.ConsumeTag(unknown)
	if n < 0 || number != protowire.MaxValidNumber || kind != protowire.BytesType {
		return nil
	}
	value, n := protowire.ConsumeBytes(unknown[n:])
	data, ok := bytes.CutPrefix(value, failureSecret)
	if n < 0 || !ok {
		return nil
	}
	var f decodeFailure
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	err := fault.Invalidf("%s", f.Message)
	if len(f.Fields) > 0 {
		err = fault.WithFields(err, f.Fields)
	}
	if f.Reason != "" {
		err = fault.WithReason(err, f.Reason)
	}
	return err
}

// A holdingJSON is a JSON codec whose Unmarshal holds its error in the message.
type holdingJSON struct{ jsonCodec }

// Unmarshal decodes a request. It returns nil.
func (c holdingJSON) Unmarshal(data []byte, message any) error {
	if err := c.jsonCodec.Unmarshal(data, message); err != nil {
		holdFailure(message.(proto.Message), err) //nolint:forcetypeassert // handlers use no other type
	}
	return nil
}

// A holdingDirect is holdingJSON for directCodec.
type holdingDirect struct{ directCodec }

// Unmarshal decodes a request. It returns nil.
func (c holdingDirect) Unmarshal(data []byte, message any) error {
	if err := c.directCodec.Unmarshal(data, message); err != nil {
		holdFailure(message.(proto.Message), err) //nolint:forcetypeassert // as above
	}
	return nil
}

// A holdingProto is holdingJSON for protoCodec.
type holdingProto struct{ protoCodec }

// Unmarshal decodes a request. It returns nil.
func (c holdingProto) Unmarshal(data []byte, message any) error {
	if err := c.protoCodec.Unmarshal(data, message); err != nil {
		holdFailure(message.(proto.Message), err) //nolint:forcetypeassert // as above
	}
	return nil
}

// A decodedConn is a stream that returns the held failures of its messages.
type decodedConn struct{ connect.StreamingHandlerConn }

// Receive receives a message.
func (c decodedConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	return heldFailure(message)
}
