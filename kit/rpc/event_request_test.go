package rpc

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// streamMethod returns a method that streams, with a request of many kinds of fields.
func streamMethod(t testing.TB, change func(*descriptorpb.MethodDescriptorProto)) protoreflect.MethodDescriptor {
	t.Helper()
	method := &descriptorpb.MethodDescriptorProto{
		Name: proto.String("Watch"), InputType: proto.String(".shelf.v1.WatchRequest"), OutputType: proto.String(".shelf.v1.WatchRequest"), ServerStreaming: proto.Bool(true),
		Options: &descriptorpb.MethodOptions{IdempotencyLevel: descriptorpb.MethodOptions_NO_SIDE_EFFECTS.Enum()},
	}
	if change != nil {
		change(method)
	}
	field := func(number int32, name string, kind descriptorpb.FieldDescriptorProto_Type, typeName string) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{Name: proto.String(name), Number: proto.Int32(number), Type: kind.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}
		if typeName != "" {
			f.TypeName = proto.String(typeName)
		}
		return f
	}
	inOrder := func(f *descriptorpb.FieldDescriptorProto) *descriptorpb.FieldDescriptorProto {
		f.OneofIndex = proto.Int32(0)
		return f
	}
	tags := field(8, "tags", descriptorpb.FieldDescriptorProto_TYPE_STRING, "")
	tags.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("shelf.proto"), Package: proto.String("shelf.v1"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto"},
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("State"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("STATE_UNSPECIFIED"), Number: proto.Int32(0)}, {Name: proto.String("STATE_LENT"), Number: proto.Int32(1)},
		}}},
		MessageType: []*descriptorpb.DescriptorProto{
			{Name: proto.String("Filter"), Field: []*descriptorpb.FieldDescriptorProto{field(1, "min_pages", descriptorpb.FieldDescriptorProto_TYPE_INT32, "")}},
			{Name: proto.String("WatchRequest"), Field: []*descriptorpb.FieldDescriptorProto{
				field(1, "shelf", descriptorpb.FieldDescriptorProto_TYPE_STRING, ""),
				field(2, "after_id", descriptorpb.FieldDescriptorProto_TYPE_STRING, ""),
				field(3, "limit", descriptorpb.FieldDescriptorProto_TYPE_INT64, ""),
				field(4, "all", descriptorpb.FieldDescriptorProto_TYPE_BOOL, ""),
				field(5, "state", descriptorpb.FieldDescriptorProto_TYPE_ENUM, ".shelf.v1.State"),
				field(6, "since", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, ".google.protobuf.Timestamp"),
				field(7, "filter", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, ".shelf.v1.Filter"),
				tags,
				field(9, "lent", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, ".google.protobuf.BoolValue"),
				field(10, "weight", descriptorpb.FieldDescriptorProto_TYPE_DOUBLE, ""),
				field(11, "cover", descriptorpb.FieldDescriptorProto_TYPE_BYTES, ""),
				inOrder(field(12, "by_title", descriptorpb.FieldDescriptorProto_TYPE_BOOL, "")),
				inOrder(field(13, "like", descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, ".shelf.v1.Filter")),
			}, OneofDecl: []*descriptorpb.OneofDescriptorProto{{Name: proto.String("order")}}},
		},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("ShelfService"), Method: []*descriptorpb.MethodDescriptorProto{method}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file.Services().Get(0).Methods().Get(0)
}

func getRule(template string) *annotations.HttpRule {
	return &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: template}}
}

// shelfRoutes returns the routes of a stream with a field in its path.
func shelfRoutes(t testing.TB) *routes {
	t.Helper()
	r, err := newRoute(streamMethod(t, nil), getRule("/v1/shelves/{shelf}:watch"), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := &routes{}
	all.add([]*route{r}, nil)
	return all
}

// eventMessageOf returns the message of a request in JSON, or the text of the error.
func eventMessageOf(all *routes, path, query, lastEvent string) string {
	m, err := all.match("GET", path)
	if err != nil {
		return err.Error()
	}
	if m.route == nil {
		return "404"
	}
	known, _, err := m.query(query)
	if err != nil {
		return err.Error()
	}
	message, err := m.eventMessage(known, lastEvent)
	if err != nil {
		return err.Error()
	}
	text, err := appendCompact(nil, []byte(protojson.MarshalOptions{}.Format(message)), nil)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestEventMessage(t *testing.T) {
	all := shelfRoutes(t)
	for _, c := range []struct{ path, query, lastEvent, want string }{
		{"/v1/shelves/a:watch", "", "", `{"shelf":"a"}`},
		{"/v1/shelves/a%2Fb%3Ac:watch", "", "", `{"shelf":"a/b:c"}`},
		{"/v1/shelves/a", "", "", `404`},
		{"/v1/shelves/a:watch", "after_id=7", "", `{"shelf":"a","afterId":"7"}`},
		{"/v1/shelves/a:watch", "afterId=7", "9", `{"shelf":"a","afterId":"9"}`},
		{"/v1/shelves/a:watch", "limit=5&all=true&state=STATE_LENT&weight=1.5&cover=aGk%3D", "", `{"shelf":"a","limit":"5","all":true,"state":"STATE_LENT","weight":1.5,"cover":"aGk="}`},
		{"/v1/shelves/a:watch", "since=2026-01-02T03:04:05Z&lent=false&filter.minPages=3&tags=x&tags=y,z", "", `{"shelf":"a","since":"2026-01-02T03:04:05Z","filter":{"minPages":3},"tags":["x","y,z"],"lent":false}`},
		{"/v1/shelves/a:watch", "shelf=b", "", `query parameter shelf: unknown field "shelf"`},
		{"/v1/shelves/a:watch", "after_id=7&afterId=8", "", `query parameter after_id: also sent as afterId`},
		{"/v1/shelves/a:watch", "filter.minPages=7&filter.min_pages=7", "", `query parameter filter.min_pages: also sent as filter.minPages`},
		{"/v1/shelves/a:watch", "by_title=true&like.minPages=7", "", `query parameter like.minPages: not together with by_title`},
		{"/v1/shelves/a:watch", "like.minPages=7&tags=x", "", `{"shelf":"a","tags":["x"],"like":{"minPages":7}}`},
		{"/v1/shelves/a:watch", "limit=x", "", `query parameter limit: invalid value "x"`},
		{"/v1/shelves/a:watch", "limit=", "", `query parameter limit: invalid value ""`},
		{"/v1/shelves/a:watch", "all=1", "", `query parameter all: invalid value "1"`},
		{"/v1/shelves/a:watch", "state=LENT", "", `query parameter state: unknown value "LENT"`},
		{"/v1/shelves/a:watch", "since=today", "", `query parameter since: invalid value "today"`},
		{"/v1/shelves/a:watch", "filter=3", "", `query parameter filter: invalid value "3"`},
		{"/v1/shelves/a:watch", "tags.x=3", "", `query parameter tags.x: unknown field "tags.x"`},
		{"/v1/shelves/a:watch", "", "\xff", `header Last-Event-ID: not valid UTF-8`},
	} {
		if got := eventMessageOf(all, c.path, c.query, c.lastEvent); got != c.want {
			t.Errorf("%s?%s %q: %s, want %s", c.path, c.query, c.lastEvent, got, c.want)
		}
	}
}

// FuzzEventMessage checks that each request has one message in UTF-8, whichever names its
// parameters have, or an error that names the field.
func FuzzEventMessage(f *testing.F) {
	all := shelfRoutes(f)
	for _, seed := range []string{"limit=5&all=true", "since=2026-01-02T03:04:05Z&lent=false", "filter.minPages=3&tags=x&tags=y", "filter.minPages.x=1", "a=%ff", "tags=%22", "after_id=1&afterId=2", "by_title=true&like.minPages=7"} {
		f.Add("/v1/shelves/a:watch", seed, "7")
	}
	f.Fuzz(func(t *testing.T, path, query, lastEvent string) {
		m, err := all.match("GET", path)
		if err == nil && m.route == nil {
			return
		}
		var known string
		if err == nil {
			known, _, err = m.query(query)
		}
		var message proto.Message
		if err == nil {
			message, err = m.eventMessage(known, lastEvent)
		}
		if err != nil {
			if fields := fault.Fields(err); !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path == "" || !utf8.ValidString(err.Error()) {
				t.Errorf("%q %q: %q with the fields %q", path, query, err, fields)
			}
			return
		}
		if _, err := proto.Marshal(message); err != nil {
			t.Errorf("%q %q: %v", path, query, err)
		}
		for _, renamed := range renamedQueries(t, m.input, known) {
			same, err := m.eventMessage(renamed, lastEvent)
			if err != nil || !proto.Equal(same, message) {
				t.Errorf("%q %q: %v as %q: %v, %v", path, query, message, renamed, same, err)
			}
		}
	})
}

// renamedQueries returns a query with the names of fields in Protobuf, and with those in JSON.
func renamedQueries(t *testing.T, message protoreflect.MessageDescriptor, query string) []string {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	inProto, inJSON := url.Values{}, url.Values{}
	for name, list := range values {
		var proto, json []string
		of := message
		for part := range strings.SplitSeq(name, ".") {
			field := fieldNamed(of, part)
			proto, json, of = append(proto, string(field.Name())), append(json, field.JSONName()), field.Message()
		}
		inProto[strings.Join(proto, ".")], inJSON[strings.Join(json, ".")] = list, list
	}
	return []string{inProto.Encode(), inJSON.Encode()}
}

// TestRoutesOfStreams checks which methods are served as events, and how others are refused.
func TestRoutesOfStreams(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*descriptorpb.MethodDescriptorProto)
		rule   *annotations.HttpRule
		err    string // empty for none
	}{
		{name: "server stream", rule: getRule("/v1/shelves")},
		{"requests", func(m *descriptorpb.MethodDescriptorProto) { m.ClientStreaming = proto.Bool(true) }, getRule("/v1/shelves"), "stream of requests"},
		{"side effects", func(m *descriptorpb.MethodDescriptorProto) { m.Options = nil }, getRule("/v1/shelves"), "NO_SIDE_EFFECTS"},
		{"post", nil, &annotations.HttpRule{Pattern: &annotations.HttpRule_Post{Post: "/v1/shelves"}}, "only by get"},
		{"body", nil, &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: "/v1/shelves"}, Body: "*"}, "only by get"},
		{"body of the response", nil, &annotations.HttpRule{Pattern: &annotations.HttpRule_Get{Get: "/v1/shelves"}, ResponseBody: "tags"}, "only by get"},
	} {
		_, err := NewRESTPath(streamMethod(t, c.change), c.rule)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
}
