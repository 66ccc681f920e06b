package policy_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	policyv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/policy/v1"
	"github.com/bongsu-project/bongsu/kit/policy"
)

// shelf returns the descriptor of a method of a library that puts a book on a shelf.
func shelf(t *testing.T, declared *policyv1.MethodPolicy) protoreflect.MethodDescriptor {
	t.Helper()
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, of string, label descriptorpb.FieldDescriptorProto_Label) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind, Label: &label}
		if of != "" {
			f.TypeName = &of
		}
		return f
	}
	const single, many = descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL, descriptorpb.FieldDescriptorProto_LABEL_REPEATED
	const text, number, message, enum, raw = descriptorpb.FieldDescriptorProto_TYPE_STRING, descriptorpb.FieldDescriptorProto_TYPE_INT64,
		descriptorpb.FieldDescriptorProto_TYPE_MESSAGE, descriptorpb.FieldDescriptorProto_TYPE_ENUM, descriptorpb.FieldDescriptorProto_TYPE_BYTES
	options := &descriptorpb.MethodOptions{}
	proto.SetExtension(options, policyv1.E_Method, declared)
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("library.proto"), Package: proto.String("library"), Syntax: proto.String("proto3"),
		EnumType: []*descriptorpb.EnumDescriptorProto{{Name: proto.String("Kind"), Value: []*descriptorpb.EnumValueDescriptorProto{
			{Name: proto.String("KIND_UNSPECIFIED"), Number: proto.Int32(0)}, {Name: proto.String("NOVEL"), Number: proto.Int32(1)},
		}}},
		MessageType: []*descriptorpb.DescriptorProto{
			{Name: proto.String("Book"), Field: []*descriptorpb.FieldDescriptorProto{field("title", 1, text, "", single)}},
			{Name: proto.String("PutRequest"), Field: []*descriptorpb.FieldDescriptorProto{
				field("shelf", 1, text, "", single), field("book", 2, message, ".library.Book", single), field("kind", 3, enum, ".library.Kind", single),
				field("tags", 4, text, "", many), field("cover", 5, raw, "", single),
			}},
			{Name: proto.String("PutResponse"), Field: []*descriptorpb.FieldDescriptorProto{field("id", 1, number, "", single), field("shelf", 2, text, "", single)}},
		},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: proto.String("ShelfService"), Method: []*descriptorpb.MethodDescriptorProto{{
			Name: proto.String("Put"), InputType: proto.String(".library.PutRequest"), OutputType: proto.String(".library.PutResponse"), Options: options,
		}}}},
	}, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	return file.Services().Get(0).Methods().Get(0)
}

// message returns a message with fields; a value of a Book is its title.
func message(descriptor protoreflect.MessageDescriptor, fields map[protoreflect.Name]any) proto.Message {
	m := dynamicpb.NewMessage(descriptor)
	for name, value := range fields {
		field := descriptor.Fields().ByName(name)
		if field.Message() != nil {
			book := message(field.Message(), map[protoreflect.Name]any{"title": value})
			value = book.ProtoReflect()
		}
		m.Set(field, protoreflect.ValueOf(value))
	}
	return m
}

func TestResourceName(t *testing.T) {
	type fields = map[protoreflect.Name]any
	for _, c := range []struct {
		name, template    string
		request, response fields // response nil: the call failed
		want              string
	}{
		{"literal", "shelves", nil, fields{}, "shelves"},
		{"of the request", "shelves/{shelf}", fields{"shelf": "a"}, fields{"shelf": "b"}, "shelves/a"},
		{"of the response", "shelves/{shelf}/books/{id}", fields{"shelf": "a"}, fields{"id": int64(7)}, "shelves/a/books/7"},
		{"of a failed call", "shelves/{shelf}/books/{id}", fields{"shelf": "a"}, nil, "shelves/a/books"},
		{"missing in between", "shelves/{shelf}/books/{id}", nil, fields{"id": int64(7)}, "shelves/books/7"},
		{"field of a field", "books/{book.title}", fields{"book": "Hunger"}, nil, "books/Hunger"},
		{"field of a missing field", "books/{book.title}", nil, nil, "books"},
		{"enum", "kinds/{kind}", fields{"kind": protoreflect.EnumNumber(1)}, nil, "kinds/NOVEL"},
		{"enum of a later version", "kinds/{kind}", fields{"kind": protoreflect.EnumNumber(9)}, nil, "kinds/9"},
		{"slash in a value", "shelves/{shelf}/books", fields{"shelf": "a/../b%2F"}, nil, "shelves/a%2F..%2Fb%252F/books"},
		{"other script", "shelves/{shelf}", fields{"shelf": "서가"}, nil, "shelves/서가"},
		{"long value", "shelves/{shelf}", fields{"shelf": strings.Repeat("가", 200)}, nil, "shelves/" + strings.Repeat("가", 97)},
	} {
		t.Run(c.name, func(t *testing.T) {
			method := shelf(t, &policyv1.MethodPolicy{Permission: "book.write", Audit: policyv1.Audit_AUDIT_SYNC, Resource: c.template})
			p, err := policy.Of(method)
			if err != nil {
				t.Fatal(err)
			}
			var response proto.Message
			if c.response != nil {
				response = message(method.Output(), c.response)
			}
			if got := p.Resource.Name(message(method.Input(), c.request), response); got != c.want {
				t.Errorf("name is %q, want %q", got, c.want)
			}
			if p.Resource.String() != c.template {
				t.Errorf("template is %q, want %q", p.Resource, c.template)
			}
		})
	}
	var none policy.Resource
	if got := none.Name(nil, nil); got != "" {
		t.Errorf("the zero value names %q", got)
	}
}

func TestBadResources(t *testing.T) {
	for _, template := range []string{"books/{", "books/{nothing}", "books/{book}", "books/{book.nothing}", "books/{shelf.title}", "books/{tags}", "books/{cover}", "books/{}"} {
		method := shelf(t, &policyv1.MethodPolicy{Permission: "book.write", Audit: policyv1.Audit_AUDIT_SYNC, Resource: template})
		if _, err := policy.Of(method); err == nil || !strings.Contains(err.Error(), "resource") {
			t.Errorf("%s: error is %v", template, err)
		}
	}
}

func TestOwner(t *testing.T) {
	method := shelf(t, &policyv1.MethodPolicy{Permission: "book.write", Audit: policyv1.Audit_AUDIT_SYNC, Resource: "shelves", OwnerField: "shelf"})
	p, err := policy.Of(method)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Owner(message(method.Input(), map[protoreflect.Name]any{"shelf": "mine"})); got != "mine" {
		t.Errorf("owner is %q", got)
	}
	unset := message(method.Input(), nil)
	p.SetOwner(unset, "kim")
	(policy.Policy{}).SetOwner(unset, "lee")
	if got := p.Owner(unset); got != "kim" {
		t.Errorf("owner that was set is %q", got)
	}
	if got := (policy.Policy{}).Owner(message(method.Input(), nil)); got != "" {
		t.Errorf("owner without a field is %q", got)
	}
	for _, field := range []string{"nothing", "tags", "book"} {
		if _, err := policy.Of(shelf(t, &policyv1.MethodPolicy{Permission: "book.write", Audit: policyv1.Audit_AUDIT_SYNC, Resource: "shelves", OwnerField: field})); err == nil || !strings.Contains(err.Error(), "owner_field") {
			t.Errorf("owner_field %s: error is %v", field, err)
		}
	}
}
