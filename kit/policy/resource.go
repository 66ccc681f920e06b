package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxResourceBytes is the maximum length of a name that Resource.Name returns.
const maxResourceBytes = 300

// A Resource names what a call is for, such as "groups/{id}". The zero value names nothing.
type Resource struct {
	template string
	parts    []resourcePart
}

// A resourcePart is a literal, or a field of the request or the response.
type resourcePart struct {
	literal  string
	path     []protoreflect.FieldDescriptor // nil for a literal
	response bool                           // the field is one of the response
}

// newResource returns the resource of a template. Each field in braces must be a string, a
// number or an enum of the request or, if that has none of the name, of the response;
// "{template.messenger}" is a field of a field.
func newResource(template string, method protoreflect.MethodDescriptor) (Resource, error) {
	r := Resource{template: template}
	for rest := template; rest != ""; {
		literal, after, found := strings.Cut(rest, "{")
		if literal != "" {
			r.parts = append(r.parts, resourcePart{literal: literal})
		}
		if !found {
			break
		}
		name, behind, closed := strings.Cut(after, "}")
		if !closed {
			return Resource{}, fmt.Errorf("resource %q: a brace is not closed", template)
		}
		part := resourcePart{path: fieldPath(method.Input(), name)}
		if part.path == nil {
			part = resourcePart{path: fieldPath(method.Output(), name), response: true}
		}
		if part.path == nil {
			return Resource{}, fmt.Errorf("resource %q: neither the request nor the response has a plain field %q", template, name)
		}
		r.parts = append(r.parts, part)
		rest = behind
	}
	return r, nil
}

// fieldPath returns the fields that a name such as "template.messenger" leads to; nil if there
// is no such field, or if its value is no string, number or enum.
func fieldPath(message protoreflect.MessageDescriptor, name string) []protoreflect.FieldDescriptor {
	var path []protoreflect.FieldDescriptor
	for _, step := range strings.Split(name, ".") {
		if message == nil {
			return nil
		}
		field := message.Fields().ByName(protoreflect.Name(step))
		if field == nil || field.Cardinality() == protoreflect.Repeated || field.Kind() == protoreflect.BytesKind {
			return nil
		}
		path, message = append(path, field), field.Message()
	}
	if message != nil {
		return nil
	}
	return path
}

// String returns the template.
func (r Resource) String() string { return r.template }

// Name returns the name of the resource of a call; "" for a resource that names nothing. The
// response is nil if the call failed. A part whose field is missing or empty is left out, with
// the slash before it. A slash in a value is written %2F. The name has at most 300 bytes.
func (r Resource) Name(request, response proto.Message) string {
	name := make([]byte, 0, 64) // of most names, so that only the text is allocated
	for _, p := range r.parts {
		if p.path == nil {
			name = append(name, p.literal...)
			continue
		}
		message := request
		if p.response {
			message = response
		}
		name = append(name, escaper.Replace(valueOf(message, p.path))...)
	}
	return truncate(strings.Trim(strings.ReplaceAll(string(name), "//", "/"), "/"))
}

// escaper keeps a value in its segment of a name.
var escaper = strings.NewReplacer("/", "%2F", "%", "%25")

// valueOf returns the value at the end of a path as text; "" if it is missing, empty or 0.
func valueOf(message proto.Message, path []protoreflect.FieldDescriptor) string {
	if message == nil {
		return ""
	}
	m := message.ProtoReflect()
	for _, field := range path[:len(path)-1] {
		m = m.Get(field).Message()
	}
	last := path[len(path)-1]
	if last.Kind() == protoreflect.StringKind {
		return m.Get(last).String() // also of an invalid message
	}
	if !m.IsValid() || !m.Has(last) {
		return ""
	}
	value := m.Get(last)
	if last.Enum() != nil {
		if known := last.Enum().Values().ByNumber(value.Enum()); known != nil {
			return string(known.Name())
		}
	}
	return value.String()
}

// truncate returns a name, cut at the end of a character.
func truncate(name string) string {
	if len(name) <= maxResourceBytes {
		return name
	}
	cut := maxResourceBytes
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut]
}
