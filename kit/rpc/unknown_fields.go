package rpc

import (
	"bytes"
	"encoding/json"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxIgnoredNames is the maximum number of ignored fields that a response names.
const maxIgnoredNames = 20

// unknownFields finds the fields of a JSON body that its message does not have. Every
// request to a legacy path passes it, so it scans only names and the ends of values: the
// decoder reports malformed JSON.
type unknownFields struct {
	body    []byte
	at      int
	refused string   // a field that is kept, so that the decoder refuses it
	names   []string // the first of them, as paths: details.color
	count   int
	blanks  [][2]int // their byte ranges, with their commas
}

// blankUnknownFields overwrites the unknown fields of a JSON body with spaces, so that the
// positions in errors stay right. It returns their names, each once and at most
// maxIgnoredNames, and their number. It keeps the field named refused, and a body that is
// not JSON.
func blankUnknownFields(body []byte, message protoreflect.MessageDescriptor, refused string) (names []string, count int) {
	u := &unknownFields{body: body, refused: refused}
	if !u.value(message, "") || len(u.blanks) == 0 || !json.Valid(body) {
		return nil, 0
	}
	for _, b := range u.blanks {
		for i := b[0]; i < b[1]; i++ {
			body[i] = ' '
		}
	}
	return u.names, u.count
}

// value skips the value of a field of type message; nil for any other type. Like all skip
// methods, it reports false if the body is not JSON.
func (u *unknownFields) value(message protoreflect.MessageDescriptor, path string) bool {
	c := u.peek()
	if message == nil || message.ParentFile().Package() == "google.protobuf" {
		return u.skip()
	}
	switch c {
	case '{':
		return u.object(message, path)
	case '[':
		return u.list(message, path)
	}
	return u.skip()
}

func (u *unknownFields) list(message protoreflect.MessageDescriptor, path string) bool {
	for u.at++; u.peek() != ']'; {
		if u.peek() == '{' && !u.object(message, path) || u.peek() != ',' && u.peek() != ']' && !u.skip() {
			return false
		}
		if u.peek() == ',' {
			u.at++
		}
	}
	u.at++
	return true
}

func (u *unknownFields) object(message protoreflect.MessageDescriptor, path string) bool {
	u.at++
	fields := fieldsOf(message)
	kept := -1 // the end of the last known field
	for u.peek() == '"' {
		start := u.at
		name, ok := u.name()
		if !ok {
			return false
		}
		field := fields[string(name)]
		inner, within := messageOf(field), ""
		if inner != nil {
			within = path + string(name) + "."
		}
		if !u.value(inner, within) {
			return false
		}
		end := u.at
		more := u.peek() == ','
		switch {
		case field != nil, path+string(name) == u.refused && len(name) > 0:
			kept = end
		case more:
			u.add(path+string(name), start, u.at+1)
		case kept >= 0:
			u.add(path+string(name), kept+bytes.IndexByte(u.body[kept:], ','), end)
		default:
			u.add(path+string(name), start, end)
		}
		if more {
			u.at++
		}
	}
	ended := u.peek() == '}'
	u.at++
	return ended
}

func (u *unknownFields) add(name string, start, end int) {
	u.blanks = append(u.blanks, [2]int{start, end})
	u.count++
	if name = truncateName(name); len(u.names) < maxIgnoredNames && !slices.Contains(u.names, name) {
		u.names = append(u.names, name)
	}
}

// name skips the name of a field and its colon, and returns the name.
func (u *unknownFields) name() (name []byte, ok bool) {
	start := u.at
	if !u.text() {
		return nil, false
	}
	name = u.body[start+1 : u.at-1]
	if bytes.IndexByte(name, '\\') >= 0 {
		var text string
		if json.Unmarshal(u.body[start:u.at], &text) != nil {
			return nil, false
		}
		name = []byte(text)
	}
	if u.peek() != ':' {
		return nil, false
	}
	u.at++
	return name, true
}

// text skips a string.
func (u *unknownFields) text() bool {
	for u.at++; u.at < len(u.body); u.at++ {
		switch u.body[u.at] {
		case '\\':
			u.at++
		case '"':
			u.at++
			return true
		}
	}
	return false
}

// skip skips any value.
func (u *unknownFields) skip() bool {
	start := u.at
	for depth := 0; u.at < len(u.body); {
		switch u.body[u.at] {
		case '"':
			if !u.text() {
				return false
			}
		case '{', '[':
			depth++
			u.at++
			continue
		case '}', ']':
			if depth == 0 {
				return u.at > start
			}
			depth--
			u.at++
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return u.at > start
			}
			u.at++
			continue
		default:
			u.at++
			continue
		}
		if depth == 0 {
			return true
		}
	}
	return u.at > start // a bare number ends with the body
}

// peek skips white space and returns the byte after it, 0 at the end.
func (u *unknownFields) peek() byte {
	for ; u.at < len(u.body); u.at++ {
		switch u.body[u.at] {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return u.body[u.at]
	}
	return 0
}

// messageOf returns the message type of a singular or repeated field, or nil.
func messageOf(field protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if field == nil || field.IsMap() {
		return nil
	}
	return field.Message()
}

var knownFields descriptorCache[map[string]protoreflect.FieldDescriptor]

// fieldsOf returns the fields of a message by their names in JSON and Protobuf.
func fieldsOf(message protoreflect.MessageDescriptor) map[string]protoreflect.FieldDescriptor {
	return knownFields.get(message, newFieldsOf)
}

func newFieldsOf(message protoreflect.MessageDescriptor) map[string]protoreflect.FieldDescriptor {
	list := message.Fields()
	fields := make(map[string]protoreflect.FieldDescriptor, 2*list.Len())
	for i := range list.Len() {
		fields[string(list.Get(i).Name())] = list.Get(i)
	}
	for i := range list.Len() { // a name in JSON takes precedence, as in fieldNamed
		fields[list.Get(i).JSONName()] = list.Get(i)
	}
	return fields
}
