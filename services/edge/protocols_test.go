package edge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	neturl "net/url"
	"regexp"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/bongsu-project/bongsu/kit/policy"
)

// A protocol calls a method with the role of a caller, and returns the code of the response (0
// for success) and its header.
type protocol struct {
	name string
	call func(t *testing.T, url string, m protoreflect.MethodDescriptor, header http.Header, fields map[string]string) (connect.Code, http.Header)
}

func protocols() []protocol {
	return []protocol{
		{"connect", callConnect()},
		{"connect_json", callConnect(connect.WithProtoJSON())},
		{"grpc", callConnect(connect.WithGRPC())},
		{"grpc_web", callConnect(connect.WithGRPCWeb())},
		{"rest", callREST},
	}
}

// callConnect returns the call by a protocol of Connect's clients.
func callConnect(options ...connect.ClientOption) func(*testing.T, string, protoreflect.MethodDescriptor, http.Header, map[string]string) (connect.Code, http.Header) {
	h2 := new(http.Protocols)
	h2.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: h2}}
	return func(t *testing.T, url string, m protoreflect.MethodDescriptor, header http.Header, fields map[string]string) (connect.Code, http.Header) {
		t.Helper()
		all := append([]connect.ClientOption{connect.WithSchema(m), connect.WithResponseInitializer(func(_ connect.Spec, message any) error {
			*message.(*dynamicpb.Message) = *dynamicpb.NewMessage(m.Output()) //nolint:forcetypeassert // as connect documents it
			return nil
		})}, options...)
		caller := connect.NewClient[dynamicpb.Message, dynamicpb.Message](client, url+policy.Procedure(m), all...)
		req := connect.NewRequest(requestOf(t, m, fields))
		for name, values := range header {
			if values[0] != "" {
				req.Header()[name] = values
			}
		}
		if m.IsStreamingServer() {
			stream, err := caller.CallServerStream(t.Context(), req)
			if err != nil {
				return codeOf(t, err)
			}
			defer func() { _ = stream.Close() }()
			for stream.Receive() {
				continue
			}
			return codeOf(t, stream.Err())
		}
		_, err := caller.CallUnary(t.Context(), req)
		return codeOf(t, err)
	}
}

// codeOf returns the code of an error, 0 for none, and the header of its response.
func codeOf(t *testing.T, err error) (connect.Code, http.Header) {
	t.Helper()
	if err == nil {
		return 0, http.Header{}
	}
	e, ok := errors.AsType[*connect.Error](err)
	if !ok || !connect.IsWireError(err) {
		t.Fatalf("not an error of the server: %v", err)
	}
	return e.Code(), e.Meta()
}

// pathFields are the fields in a path of google.api.http.
var pathFields = regexp.MustCompile(`{([a-z_.]+)}`)

// requestOf returns a request with fields. Others that a REST path holds are "1".
func requestOf(t *testing.T, m protoreflect.MethodDescriptor, fields map[string]string) *dynamicpb.Message {
	t.Helper()
	all := map[string]string{}
	for _, name := range pathFieldsOf(m) {
		all[name] = "1"
	}
	maps.Copy(all, fields)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	req := dynamicpb.NewMessage(m.Input())
	if err := protojson.Unmarshal(text, req); err != nil { // it takes numbers as text too
		t.Fatal(err)
	}
	return req
}

func pathFieldsOf(m protoreflect.MethodDescriptor) []string {
	_, path, _ := restPath(m)
	var names []string
	for _, found := range pathFields.FindAllStringSubmatch(path, -1) {
		names = append(names, found[1])
	}
	return names
}

// restPath returns the verb and the path of a method, and whether it has a body; "" without one.
func restPath(m protoreflect.MethodDescriptor) (verb, path string, body bool) {
	rule, _ := proto.GetExtension(m.Options(), annotations.E_Http).(*annotations.HttpRule)
	for _, c := range []struct{ verb, path string }{
		{http.MethodGet, rule.GetGet()}, {http.MethodPost, rule.GetPost()}, {http.MethodPut, rule.GetPut()}, {http.MethodDelete, rule.GetDelete()},
	} {
		if c.path != "" {
			return c.verb, c.path, rule.GetBody() != ""
		}
	}
	return "", "", false
}

// callREST calls a method by its REST path. It skips methods without one.
func callREST(t *testing.T, url string, m protoreflect.MethodDescriptor, header http.Header, fields map[string]string) (connect.Code, http.Header) {
	t.Helper()
	verb, path, hasBody := restPath(m)
	if path == "" {
		t.Skip("no REST path")
	}
	rest := maps.Clone(fields) // those that are not in the path
	path = pathFields.ReplaceAllStringFunc(path, func(name string) string {
		name = strings.Trim(name, "{}")
		delete(rest, name)
		if value, ok := fields[name]; ok {
			return value
		}
		return "1"
	})
	var body io.Reader
	if hasBody {
		text, err := json.Marshal(rest)
		if err != nil {
			t.Fatal(err)
		}
		body = bytes.NewReader(text)
		if rest == nil {
			body = bytes.NewBufferString("{}")
		}
	} else {
		query := neturl.Values{}
		for name, value := range rest {
			query.Set(name, value)
		}
		path += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(t.Context(), verb, url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		if values[0] != "" {
			req.Header[name] = values
		}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode < http.StatusBadRequest {
		return 0, res.Header
	}
	var failure struct {
		Code    uint32
		Message string
		Details []any
	}
	if err := json.Unmarshal(text, &failure); err != nil || failure.Message == "" || failure.Details == nil || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s: body is not the error of a REST path: %s", verb, path, text)
	}
	got := connect.Code(failure.Code)
	for code, status := range map[connect.Code]int{connect.CodeUnauthenticated: http.StatusUnauthorized, connect.CodePermissionDenied: http.StatusForbidden} {
		if (got == code) != (res.StatusCode == status) {
			t.Errorf("%s %s: status %d with code %s", verb, path, res.StatusCode, got)
		}
	}
	return got, res.Header
}
