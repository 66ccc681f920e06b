// Package cloudevents reads and writes CloudEvents
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md).
package cloudevents

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// An Event is a CloudEvent.
type Event struct {
	Attributes map[string]any // context attributes and extensions by name
	Data       any            // decoded JSON, or text; nil for none, for null, and for binary data
	Text       string         // the data as readable text; empty for none

	// JSON is the data as JSON text: byte for byte as it was sent if it was JSON, a string if
	// it was text; nil for none, for null, and for binary data.
	JSON []byte
	// Unreadable says why the data is not in JSON: it was malformed, and is kept as text, or
	// binary, and is not kept. Empty otherwise.
	Unreadable string
}

// Attribute returns an attribute as text.
func (e Event) Attribute(name string) string { return wiretext.TextOf(e.Attributes[name]) }

// check returns an error if a required attribute is missing, or the version is unsupported.
func (e Event) check() error {
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if strings.TrimSpace(e.Attribute(name)) == "" {
			return fmt.Errorf("missing attribute %s", name)
		}
	}
	if v := e.Attribute("specversion"); v != "1.0" && v != "0.3" {
		return fmt.Errorf("unsupported specversion %.30q: use 1.0", v)
	}
	return nil
}

// ParseStructured parses an event in the JSON format
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
func ParseStructured(text []byte) (Event, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return Event{}, err
	}
	if raw == nil {
		return Event{}, errors.New("not a JSON object")
	}
	e := Event{Attributes: map[string]any{}}
	for name, value := range raw {
		if name == "data" || name == "data_base64" {
			continue
		}
		decoded, err := wiretext.DecodeValue(value)
		if err != nil {
			return Event{}, err
		}
		if decoded != nil { // null means no attribute
			e.Attributes[name] = decoded
		}
	}
	if err := e.check(); err != nil {
		return Event{}, err
	}
	if encoded, ok := raw["data_base64"]; ok {
		return e, e.decodeBase64(encoded, "data_base64")
	}
	data, ok := raw["data"]
	if !ok {
		return e, nil
	}
	if strings.EqualFold(e.Attribute("datacontentencoding"), "base64") { // version 0.3 only
		return e, e.decodeBase64(data, "data")
	}
	return e, e.setJSON(data)
}

// ParseBinary parses an event in the binary mode: attributes in headers, data in the body.
func ParseBinary(header http.Header, mediaType string, body []byte) (Event, error) {
	e := Event{Attributes: map[string]any{}}
	for name, values := range header {
		if name, ok := strings.CutPrefix(strings.ToLower(name), "ce-"); ok && len(values) > 0 {
			e.Attributes[name] = DecodeHeader(values[0])
		}
	}
	if contentType := header.Get("Content-Type"); contentType != "" {
		e.Attributes["datacontenttype"] = contentType
	}
	if err := e.check(); err != nil {
		return Event{}, err
	}
	return e, e.setBytes(mediaType, body)
}

// DecodeHeader returns the value of a ce- header: unquoted, and percent-decoded once, by
// section 3.1.3.2 of the HTTP binding.
func DecodeHeader(value string) string {
	if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
		var plain strings.Builder
		for i := 1; i < len(value)-1; i++ {
			if value[i] == '\\' && i < len(value)-2 {
				i++
			}
			plain.WriteByte(value[i])
		}
		value = plain.String()
	}
	var decoded strings.Builder
	for i := 0; i < len(value); i++ {
		if high, low := wiretext.HexAt(value, i+1), wiretext.HexAt(value, i+2); value[i] == '%' && high >= 0 && low >= 0 {
			decoded.WriteByte(byte(high<<4 | low))
			i += 2
			continue
		}
		decoded.WriteByte(value[i])
	}
	return strings.ToValidUTF8(decoded.String(), "\uFFFD")
}

// decodeBase64 sets the data from a JSON string of base64.
func (e *Event) decodeBase64(raw json.RawMessage, field string) error {
	var encoded *string
	if err := json.Unmarshal(raw, &encoded); err != nil {
		return fmt.Errorf("%s is not a JSON string", field)
	}
	if encoded == nil {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(*encoded)
	if err != nil {
		return fmt.Errorf("invalid base64 in %s", field)
	}
	mediaType, _, err := mime.ParseMediaType(e.Attribute("datacontenttype"))
	if err != nil {
		mediaType = ""
	}
	return e.setBytes(mediaType, data)
}

// setJSON sets the data from a JSON value.
func (e *Event) setJSON(text []byte) error {
	data, err := wiretext.DecodeValue(text)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	e.Data, e.Text = data, wiretext.TextOf(data)
	if data != nil {
		e.JSON = text
	}
	return nil
}

// setBytes sets the data from bytes of a media type. Malformed JSON is kept as text;
// binary data is dropped.
func (e *Event) setBytes(mediaType string, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	worded := IsJSON(mediaType) || strings.HasPrefix(mediaType, "text/")
	text, err := wiretext.ToUTF8(e.Attribute("datacontenttype"), data)
	if err != nil {
		if worded {
			return err
		}
		e.Unreadable = "data is binary: send JSON or text"
		return nil
	}
	if IsJSON(mediaType) {
		err := e.setJSON(text)
		if err == nil {
			return nil
		}
		e.Unreadable = wiretext.ErrorText(err)
	}
	if !worded && !printable(text) {
		e.Unreadable = "data is binary: send JSON or text"
		return nil
	}
	e.Data, e.Text = string(text), string(text)
	if e.JSON, err = json.Marshal(e.Text); err != nil {
		return fmt.Errorf("data: %w", err)
	}
	return nil
}

// printable reports whether data is readable text.
func printable(data []byte) bool {
	for _, r := range string(data) {
		if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return false
		}
	}
	return true
}

// IsJSON reports whether a media type is JSON. An empty one counts as JSON.
func IsJSON(mediaType string) bool {
	return mediaType == "" || mediaType == "application/json" || mediaType == "text/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}
