package rpc

import (
	"strconv"
	"strings"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
)

// fieldPath returns the elements of the path of a field, as protovalidate.FieldPathString
// writes it: users[3].labels["a.b"].name. A text that is no path is one name.
func fieldPath(text string) []*validate.FieldPathElement {
	if text == "" {
		return nil
	}
	var elements []*validate.FieldPathElement
	for rest := text; ; {
		element, after, ok := cutElement(rest)
		if !ok {
			return []*validate.FieldPathElement{validate.FieldPathElement_builder{FieldName: &text}.Build()}
		}
		elements = append(elements, element)
		if after == "" {
			return elements
		}
		if rest, ok = strings.CutPrefix(after, "."); !ok {
			return []*validate.FieldPathElement{validate.FieldPathElement_builder{FieldName: &text}.Build()}
		}
	}
}

// cutElement returns the first element of a path, a name and an optional subscript, and the
// text after it. It returns false for a text that starts with no element.
func cutElement(text string) (element *validate.FieldPathElement, rest string, ok bool) {
	end := strings.IndexAny(text, ".[")
	if end < 0 {
		end = len(text)
	}
	name, rest := text[:end], text[end:]
	if name == "" {
		return nil, "", false
	}
	element = validate.FieldPathElement_builder{FieldName: &name}.Build()
	if !strings.HasPrefix(rest, "[") {
		return element, rest, true
	}
	if quoted, err := strconv.QuotedPrefix(rest[1:]); err == nil {
		key, _ := strconv.Unquote(quoted) // QuotedPrefix has parsed it
		rest, ok = strings.CutPrefix(rest[1+len(quoted):], "]")
		element.SetStringKey(validText(key))
		return element, rest, ok
	}
	digits, rest, ok := strings.Cut(rest[1:], "]")
	index, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil {
		return nil, "", false
	}
	element.SetIndex(index)
	return element, rest, true
}
