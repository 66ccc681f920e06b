package rpc

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// lastEventHeader is the header with the id of the last event that a client has, which a
	// browser sends when it connects again.
	lastEventHeader = "Last-Event-ID"
	// lastEventField is the field of a request that has the value of lastEventHeader.
	lastEventField protoreflect.Name = "after_id"
)

// checkEvents returns why a path cannot be served as Server-Sent Events, or nil.
func (r *route) checkEvents(m protoreflect.MethodDescriptor) error {
	options, _ := m.Options().(*descriptorpb.MethodOptions)
	switch {
	case m.IsStreamingClient():
		return errors.New("a stream of requests is not supported over REST")
	case options.GetIdempotencyLevel() != descriptorpb.MethodOptions_NO_SIDE_EFFECTS:
		return errors.New("a stream is supported over REST only with NO_SIDE_EFFECTS: clients connect again by themselves")
	case r.method != http.MethodGet || r.body != "" || r.responseBody != "":
		return errors.New("a stream is supported over REST only by get, without body and response_body")
	}
	return nil
}

// eventRequest returns the request for the Connect handler of a method that streams. Its message
// has the values of the path and the query, and in after_id that of Last-Event-ID: a browser that
// connects again sends the query of the first time.
func (m routeMatch) eventRequest(r *http.Request) (*http.Request, error) {
	if len(r.URL.RawQuery) > maxQueryBytes { // errors quote it
		return nil, fault.WithReason(fault.WithField(fault.Invalidf("query is longer than %d bytes", maxQueryBytes), "query"), reasonTooLarge)
	}
	known, _, err := m.query(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	if err := checkHeader(r.Header, m.Headers); err != nil {
		return nil, err
	}
	message, err := m.eventMessage(known, r.Header.Get(lastEventHeader))
	if err != nil {
		return nil, err
	}
	data, err := proto.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(data)))
	body = append(body, data...)

	inner, target := *r, *r.URL // copies: the server keeps the original
	target.Path, target.RawPath, target.RawQuery = m.procedure, "", ""
	inner.URL, inner.Method, inner.TransferEncoding = &target, http.MethodPost, nil
	inner.Header = r.Header.Clone()
	for _, name := range [...]string{"Content-Encoding", "Content-Length", "Connect-Content-Encoding", "Connect-Accept-Encoding", "Connect-Timeout-Ms", "Accept-Encoding"} {
		delete(inner.Header, name)
	}
	setDirect(inner.Header) // for its timeout
	inner.Header["Content-Type"] = []string{"application/connect+proto"}
	inner.Header["Connect-Protocol-Version"] = []string{"1"}
	inner.Body, inner.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return &inner, nil
}

// eventMessage returns the message of a request by its path, its query, and the id of the last
// event; empty for none.
func (m routeMatch) eventMessage(query, lastEvent string) (proto.Message, error) {
	message := dynamicpb.NewMessage(m.input)
	path := strings.Split(strings.TrimSuffix(strings.TrimPrefix(m.path, "/"), ":"+m.verb), "/")
	for i, s := range m.segments {
		if s.field == "" {
			continue
		}
		value, err := url.PathUnescape(path[i])
		if err != nil {
			return nil, fault.InvalidField(s.field, "%w", err)
		}
		if err := m.setParameter(message, s.field, []string{value}); err != nil {
			return nil, err
		}
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errMalformedQuery(err)
	}
	for name, list := range values {
		if err := m.setParameter(message, name, list); err != nil {
			return nil, err
		}
	}
	field := m.input.Fields().ByName(lastEventField)
	if lastEvent == "" || field == nil || field.Kind() != protoreflect.StringKind || field.IsList() {
		return message, nil
	}
	if !utf8.ValidString(lastEvent) {
		return nil, headerError(lastEventHeader, "not valid UTF-8")
	}
	message.Set(field, protoreflect.ValueOfString(lastEvent))
	return message, nil
}

// setParameter sets the field that a parameter names.
func (m routeMatch) setParameter(message proto.Message, name string, values []string) error {
	text, ok := parameterJSON(m.input, strings.Split(name, "."), values)
	if !ok {
		return parameterError(name, "is no field with a single value")
	}
	one := dynamicpb.NewMessage(m.input)
	options := protojson.UnmarshalOptions{}
	if m.types != nil {
		options.Resolver = m.types
	}
	if err := options.Unmarshal(text, one); err != nil {
		return parameterError(name, fmt.Sprintf("invalid value %q", truncateName(strings.Join(values, ","))))
	}
	proto.Merge(message, one)
	return nil
}

// parameterJSON returns a message in JSON that has only the values of one field. It returns
// false for a path that is not that of a field with values of one word each.
func parameterJSON(message protoreflect.MessageDescriptor, path, values []string) ([]byte, bool) {
	field := fieldNamed(message, path[0])
	if field == nil || field.IsMap() {
		return nil, false
	}
	var inner []byte
	if len(path) > 1 {
		if field.Message() == nil || field.IsList() {
			return nil, false
		}
		var ok bool
		if inner, ok = parameterJSON(field.Message(), path[1:], values); !ok {
			return nil, false
		}
	} else {
		for i, value := range values {
			if i > 0 {
				inner = append(inner, ',')
			}
			inner = appendWord(inner, field, value)
		}
		if field.IsList() {
			inner = append(append([]byte{'['}, inner...), ']')
		}
	}
	return fmt.Appendf(nil, "{%q:%s}", field.JSONName(), inner), true
}

// appendWord appends a value of a field in JSON: true and false as they are where the field is a
// bool, and strings else, which JSON of Protobuf has for numbers, enums, times and durations too.
func appendWord(dst []byte, field protoreflect.FieldDescriptor, value string) []byte {
	isBool := field.Kind() == protoreflect.BoolKind || field.Message() != nil && field.Message().FullName() == "google.protobuf.BoolValue"
	if isBool && (value == "true" || value == "false") {
		return append(dst, value...)
	}
	quoted, _ := json.Marshal(value) // it always marshals
	return append(dst, quoted...)
}
