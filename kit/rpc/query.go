package rpc

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bongsu-project/bongsu/kit/fault"
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
		return "", nil, errMalformedQuery(err)
	}
	names := slices.Sorted(maps.Keys(values)) // of several errors always the same
	for _, name := range names {
		list := values[name]
		switch {
		case name == "":
			return "", nil, errMalformedQuery(errors.New("parameter without a name"))
		case !utf8.ValidString(name):
			return "", nil, errMalformedQuery(errors.New("parameter name is not valid UTF-8"))
		case slices.ContainsFunc(list, func(v string) bool { return !utf8.ValidString(v) }):
			return "", nil, parameterError(name, "not valid UTF-8")
		case r.takes(name):
			if err := r.checkQueryValues(name, list); err != nil {
				return "", nil, err
			}
			continue
		case !r.Legacy && !r.raw:
			return "", nil, parameterError(name, fmt.Sprintf("unknown field %q", truncateName(name)))
		}
		ignored = append(ignored, name)
		delete(values, name)
	}
	if err := r.checkDistinct(names); err != nil {
		return "", nil, err
	}
	return values.Encode(), ignored, nil
}

// checkDistinct refuses a field that is sent by both of its names, and two fields of which only
// one can be set: which of them counts would be up to chance.
func (r *route) checkDistinct(names []string) error {
	if len(names) < 2 {
		return nil
	}
	sent := map[string]string{} // the parameter of each field and, as a path that ends with =, the field of each oneof
	for _, name := range names {
		if !r.takes(name) {
			continue
		}
		path, message := "", r.input
		for part := range strings.SplitSeq(name, ".") {
			field := fieldNamed(message, part)
			if of := field.ContainingOneof(); of != nil {
				key := path + string(of.Name()) + "="
				if other, ok := sent[key]; ok && other != string(field.Name()) {
					return parameterError(name, fmt.Sprintf("not together with %s%s", path, other))
				}
				sent[key] = string(field.Name())
			}
			path, message = path+string(field.Name())+".", field.Message()
		}
		if other, ok := sent[path]; ok {
			return parameterError(name, "also sent as "+other)
		}
		sent[path] = name
	}
	return nil
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
		return parameterError(parameter, "send it once")
	case field.Enum() != nil && field.Enum().Values().ByName(protoreflect.Name(values[0])) == nil:
		return parameterError(parameter, fmt.Sprintf("unknown value %q", truncateName(values[0])))
	case field.Kind() != protoreflect.StringKind && values[0] == "null":
		return parameterError(parameter, "null is not allowed")
	}
	return nil
}

// parameterError returns the error of a query parameter. The field is its name.
func parameterError(name, problem string) error {
	name = truncateName(name)
	return fault.WithFields(fault.Invalidf("query parameter %s: %s", name, problem), []fault.Field{{Path: name, Problem: problem}})
}

// transcoderError matches the text of the transcoder's error for a value in the path or the
// query: the field, the type, and the cause.
var transcoderError = regexp.MustCompile(`(?s)^invalid parameter "([^"]+)"( value for type "[^"]+")?: (.*)$`)

// withParameter returns an error of the transcoder with the field that its text names, and
// other errors unchanged.
func withParameter(e *connect.Error) *connect.Error {
	if e.Code() != connect.CodeInvalidArgument || len(e.Details()) > 0 {
		return e
	}
	found := transcoderError.FindStringSubmatch(e.Message())
	if found == nil {
		return e
	}
	problem := "invalid value" + strings.TrimPrefix(found[2], " value") + ": " + truncateName(found[3])
	return connect.NewError(e.Code(), fault.WithFields(e.Unwrap(), []fault.Field{{Path: found[1], Problem: problem}}))
}

// errMalformedQuery returns the error of a query that cannot be decoded.
func errMalformedQuery(cause error) error {
	return fault.WithReason(fault.InvalidField("query", "%w", cause), reasonMalformed)
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
