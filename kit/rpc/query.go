package rpc

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// query returns the query of a request with its known parameters, and the names of the
// others. It returns an error for a malformed query and for an unknown parameter, except on
// the paths that ignore unknown ones: the legacy ones, and those whose URL another
// system writes.
func (r *route) query(raw string) (known string, ignored []string, err error) {
	if raw == "" {
		return "", nil, nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", nil, fmt.Errorf("query: %w", err)
	}
	for name, list := range values {
		switch {
		case name == "":
			return "", nil, fmt.Errorf("query: parameter without a name")
		case !utf8.ValidString(name):
			return "", nil, fmt.Errorf("query: parameter name is not valid UTF-8")
		case slices.ContainsFunc(list, func(v string) bool { return !utf8.ValidString(v) }):
			return "", nil, fmt.Errorf("query parameter %s: not valid UTF-8", truncateName(name))
		case r.takes(name):
			if err := r.checkQueryValues(name, list); err != nil {
				return "", nil, err
			}
			continue
		case !r.Legacy && !r.raw:
			return "", nil, fmt.Errorf("query parameter %s: unknown field %q", truncateName(name), truncateName(name))
		}
		ignored = append(ignored, name)
		delete(values, name)
	}
	return values.Encode(), ignored, nil
}

// takes reports whether a query parameter is a field that is in neither the path nor the
// body.
func (r *route) takes(parameter string) bool {
	if r.raw || r.body == "*" {
		return false
	}
	message := r.input
	for i, part := range strings.Split(parameter, ".") {
		if message == nil {
			return false
		}
		field := fieldNamed(message, part)
		if field == nil || i == 0 && r.isBound(string(field.Name())) {
			return false
		}
		message = field.Message()
		if field.IsList() || field.IsMap() {
			message = nil
		}
	}
	return true
}

// checkQueryValues refuses several values of a singular parameter, an enum by its number,
// and null where the transcoder would treat it as absent.
func (r *route) checkQueryValues(parameter string, values []string) error {
	field := fieldNamed(r.input, parameter)
	switch {
	case field == nil || field.IsList():
		return nil
	case len(values) > 1:
		return fmt.Errorf("query parameter %s: send it once", parameter)
	case field.Enum() != nil && field.Enum().Values().ByName(protoreflect.Name(values[0])) == nil:
		return fmt.Errorf("query parameter %s: unknown value %q", parameter, truncateName(values[0]))
	case field.Kind() != protoreflect.StringKind && values[0] == "null":
		return fmt.Errorf("query parameter %s: null is not allowed", parameter)
	}
	return nil
}

// isBound reports whether a field is bound to the path or the body.
func (r *route) isBound(field string) bool {
	return field == r.body || slices.ContainsFunc(r.segments, func(s pathSegment) bool { return s.field == field })
}

// fieldNamed returns the field of a message by its name in JSON or Protobuf, or nil.
func fieldNamed(message protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := message.Fields().ByJSONName(name); field != nil {
		return field
	}
	return message.Fields().ByName(protoreflect.Name(name))
}

// maxNameRunes limits a caller's name in an error or a response.
const maxNameRunes = 100

// truncateName truncates a caller's name, so that no response grows with it.
func truncateName(name string) string {
	if runes := []rune(name); len(runes) > maxNameRunes {
		return string(runes[:maxNameRunes]) + "…"
	}
	return name
}
