package rpc

import (
	"bytes"
	"encoding/json"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxIgnoredNames bounds how many ignored fields an answer names.
const maxIgnoredNames = 20

// unknownFields finds the fields of a JSON body that its message does not have.
type unknownFields struct {
	body    []byte
	decoder *json.Decoder
	refused string   // a field that is left as it is, so that whoever reads it refuses it
	names   []string // the first of them, with those of the messages around them: details.color
	count   int
	blanks  [][2]int // where they and their commas are
}

// blankUnknownFields overwrites the fields of a JSON body that message does not have
// with spaces, so that the places in errors stay right. It returns their names, each
// once and at most maxIgnoredNames, and their number. It leaves the field named refused,
// and a body that is not JSON.
func blankUnknownFields(body []byte, message protoreflect.MessageDescriptor, refused string) (names []string, count int) {
	u := &unknownFields{body: body, decoder: json.NewDecoder(bytes.NewReader(body)), refused: refused}
	if err := u.value(message, ""); err != nil {
		return nil, 0 // whoever reads it next says what is wrong
	}
	for _, b := range u.blanks {
		for i := b[0]; i < b[1]; i++ {
			body[i] = ' '
		}
	}
	return u.names, u.count
}

// value reads the value of a field of type message; nil for any other type.
func (u *unknownFields) value(message protoreflect.MessageDescriptor, path string) error {
	start := u.next()
	switch {
	case message == nil || message.ParentFile().Package() == "google.protobuf":
	case start == '{':
		return u.object(message, path)
	case start == '[':
		if _, err := u.decoder.Token(); err != nil {
			return err
		}
		for u.decoder.More() {
			if err := u.value(message, path); err != nil {
				return err
			}
		}
		_, err := u.decoder.Token()
		return err
	}
	var skipped json.RawMessage
	return u.decoder.Decode(&skipped)
}

func (u *unknownFields) object(message protoreflect.MessageDescriptor, path string) error {
	if _, err := u.decoder.Token(); err != nil {
		return err
	}
	kept := -1 // where the last known field ends
	for u.decoder.More() {
		start := u.skipTo('"')
		token, err := u.decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		field := fieldNamed(message, name)
		if err := u.value(messageOf(field), path+name+"."); err != nil {
			return err
		}
		if field != nil || path+name == u.refused && name != "" {
			kept = int(u.decoder.InputOffset())
			continue
		}
		u.add(path + name)
		end := int(u.decoder.InputOffset())
		switch {
		case u.decoder.More():
			end = u.skipTo(',') + 1
		case kept >= 0:
			start = kept + bytes.IndexByte(u.body[kept:], ',')
		}
		u.blanks = append(u.blanks, [2]int{start, end})
	}
	_, err := u.decoder.Token()
	return err
}

func (u *unknownFields) add(name string) {
	u.count++
	if name = shorten(name); len(u.names) < maxIgnoredNames && !slices.Contains(u.names, name) {
		u.names = append(u.names, name)
	}
}

// skipTo returns where c is next.
func (u *unknownFields) skipTo(c byte) int {
	at := int(u.decoder.InputOffset())
	return at + max(bytes.IndexByte(u.body[at:], c), 0)
}

// next returns the first byte of the next value.
func (u *unknownFields) next() byte {
	rest := bytes.TrimLeft(u.body[u.decoder.InputOffset():], " \t\r\n:,")
	if len(rest) == 0 {
		return 0
	}
	return rest[0]
}

// messageOf returns the message of a field that holds one or a list of it, or nil.
func messageOf(field protoreflect.FieldDescriptor) protoreflect.MessageDescriptor {
	if field == nil || field.IsMap() {
		return nil
	}
	return field.Message()
}
