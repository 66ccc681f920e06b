package rpc

import (
	"slices"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// jsonOptions are the options of all JSON responses: they include fields with an empty or zero
// value, see docs/compatibility.md.
var jsonOptions = protojson.MarshalOptions{EmitDefaultValues: true}

// codecs replaces Connect's codecs by codecs that refuse requests beyond a limit, by a held
// failure. types resolve extensions and the messages in google.protobuf.Any; nil for those of
// the program.
func codecs(limit sizeLimit, types Types) connect.HandlerOption {
	return connect.WithHandlerOptions(
		connect.WithCodec(holdingProto{protoCodec{limit, types}}),
		connect.WithCodec(holdingJSON{jsonCodec{"json", limit, types}}),
		connect.WithCodec(holdingJSON{jsonCodec{"json; charset=utf-8", limit, types}}),
		connect.WithCodec(holdingDirect{directCodec{jsonCodec{restCodecName, limit, types}}}),
	)
}

// jsonCodec is Connect's JSON codec with the output of appendJSON. It ignores unknown
// fields of requests: generated clients may be newer than the server.
type jsonCodec struct {
	name  string
	limit sizeLimit
	types Types // nil for those of the program
}

func (c jsonCodec) Name() string { return c.name }

func (c jsonCodec) Marshal(message any) ([]byte, error) {
	if e, ok := message.(*Encoded); ok {
		return e.appendJSON(nil, c.types) // a copy: Connect reuses the bytes
	}
	return appendJSON(nil, message.(proto.Message), c.types)
}

// MarshalStable is Marshal, whose output is deterministic: responses to GET are cacheable.
func (c jsonCodec) MarshalStable(message any) ([]byte, error) { return c.Marshal(message) }

// IsBinary returns false: the text goes into a URL as it is.
func (c jsonCodec) IsBinary() bool { return false }

func (c jsonCodec) Unmarshal(data []byte, message any) error {
	if len(data) == 0 { // an empty body is an empty message, as in Connect's own codec
		return nil
	}
	return readJSON(unmarshalJSON(c.types, true), c.limit, data, message.(proto.Message))
}

// restCodec is the JSON codec of REST. It returns an error for an unknown field and names
// it, for people type REST bodies.
type restCodec struct {
	vanguard.JSONCodec
	types Types
}

func newRESTCodec(resolver vanguard.TypeResolver) vanguard.Codec {
	codec := vanguard.NewJSONCodec(resolver)
	codec.MarshalOptions = jsonOptions
	codec.MarshalOptions.Resolver = resolver
	codec.UnmarshalOptions.DiscardUnknown = false
	return restCodec{*codec, resolver}
}

// MarshalAppend encodes a message. The text of an error may quote what is not UTF-8, which
// a message cannot hold: those bytes are replaced.
func (c restCodec) MarshalAppend(dst []byte, message proto.Message) ([]byte, error) {
	if failure, ok := message.(*status.Status); ok && !utf8.ValidString(failure.GetMessage()) {
		failure.Message = strings.ToValidUTF8(failure.GetMessage(), string(utf8.RuneError))
	}
	return appendJSON(dst, message, c.types)
}

// MarshalAppendField encodes one field of a message, such as a bare array.
func (c restCodec) MarshalAppendField(dst []byte, message proto.Message, field protoreflect.FieldDescriptor) ([]byte, error) {
	text, err := c.JSONCodec.MarshalAppendField(nil, message, field)
	return appendCompact(dst, text, err)
}

// Unmarshal decodes a message.
func (c restCodec) Unmarshal(data []byte, message proto.Message) error {
	if err := readJSON(c.UnmarshalOptions, publicLimit, data, message); err != nil {
		return describe(connect.NewError(connect.CodeInvalidArgument, err), "")
	}
	return nil
}

// UnmarshalField decodes one field of a message, from a body or a query parameter.
func (c restCodec) UnmarshalField(data []byte, message proto.Message, field protoreflect.FieldDescriptor) error {
	if err := c.JSONCodec.UnmarshalField(data, message, field); err != nil {
		return describe(connect.NewError(connect.CodeInvalidArgument, jsonError(err, nil, field.JSONName())), "")
	}
	return nil
}

// appendJSON encodes a message as compact JSON, with the types of its service; nil for those of
// the program. protojson varies its spaces on purpose, but callers may depend on them: see
// docs/compatibility.md.
func appendJSON(dst []byte, message proto.Message, types Types) ([]byte, error) {
	options := jsonOptions
	if types != nil {
		options.Resolver = types
	}
	text, err := options.Marshal(message)
	return appendCompact(dst, text, err)
}

// unmarshalJSON returns the options of requests with the types of a service; nil for those of
// the program.
func unmarshalJSON(types Types, discardUnknown bool) protojson.UnmarshalOptions {
	options := protojson.UnmarshalOptions{DiscardUnknown: discardUnknown}
	if types != nil {
		options.Resolver = types
	}
	return options
}

// appendCompact appends text without the spaces between its values. The text is protojson's:
// json.Compact would check it once more, in several times the time.
func appendCompact(dst, text []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	dst = slices.Grow(dst, len(text))
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ' ' && !quoted:
			continue
		case c == '"':
			quoted = !quoted
		case c == '\\' && i+1 < len(text): // within a string
			dst = append(dst, c)
			i++
		}
		dst = append(dst, text[i])
	}
	return dst, nil
}

// readJSON decodes a message within limit.
func readJSON(options protojson.UnmarshalOptions, limit sizeLimit, data []byte, message proto.Message) error {
	if err := limit.checkJSON(data); err != nil {
		return err
	}
	if err := options.Unmarshal(data, message); err != nil {
		return jsonError(err, data, "")
	}
	return checkItems(message.ProtoReflect())
}
