package intake

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
)

// An event is a CloudEvent
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md).
type event struct {
	attributes map[string]any // context attributes and extensions by name
	data       any            // decoded JSON, or text; nil for none, and for null
	text       string         // the data as readable text; empty for none
}

// attribute returns an attribute as text.
func (e event) attribute(name string) string { return textOf(e.attributes[name]) }

// check returns an error if a required attribute is missing, or the version is unsupported.
func (e event) check() error {
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if strings.TrimSpace(e.attribute(name)) == "" {
			return fmt.Errorf("missing attribute %s", name)
		}
	}
	if v := e.attribute("specversion"); v != "1.0" && v != "0.3" {
		return fmt.Errorf("unsupported specversion %q: use 1.0", truncate(v, maxSeverity))
	}
	return nil
}

// readStructured parses an event in the JSON format
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).
func readStructured(text []byte) (event, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return event{}, err
	}
	if raw == nil {
		return event{}, errors.New("not a JSON object")
	}
	e := event{attributes: map[string]any{}}
	for name, value := range raw {
		if name == "data" || name == "data_base64" {
			continue
		}
		decoded, err := decodeValue(value)
		if err != nil {
			return event{}, err
		}
		if decoded != nil { // null means no attribute
			e.attributes[name] = decoded
		}
	}
	if err := e.check(); err != nil {
		return event{}, err
	}
	if encoded, ok := raw["data_base64"]; ok {
		return e, e.decodeBase64(encoded, "data_base64")
	}
	data, ok := raw["data"]
	if !ok {
		return e, nil
	}
	if strings.EqualFold(e.attribute("datacontentencoding"), "base64") { // version 0.3 only
		return e, e.decodeBase64(data, "data")
	}
	return e, e.setJSON(data)
}

// readBinary parses an event in the binary mode: attributes in headers, data in the body.
func readBinary(header http.Header, mediaType string, body []byte) (event, error) {
	e := event{attributes: map[string]any{}}
	for name, values := range header {
		if name, ok := strings.CutPrefix(strings.ToLower(name), "ce-"); ok && len(values) > 0 {
			e.attributes[name] = decodeHeader(values[0])
		}
	}
	if contentType := header.Get("Content-Type"); contentType != "" {
		e.attributes["datacontenttype"] = contentType
	}
	if err := e.check(); err != nil {
		return event{}, err
	}
	return e, e.setBytes(mediaType, body)
}

// decodeHeader returns the value of a ce- header: unquoted, and percent-decoded once, by
// section 3.1.3.2 of the HTTP binding.
func decodeHeader(value string) string {
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
		if high, low := hexAt(value, i+1), hexAt(value, i+2); value[i] == '%' && high >= 0 && low >= 0 {
			decoded.WriteByte(byte(high<<4 | low))
			i += 2
			continue
		}
		decoded.WriteByte(value[i])
	}
	return strings.ToValidUTF8(decoded.String(), "\uFFFD")
}

// hexAt returns the value of the hexadecimal digit at an index, or -1.
func hexAt(text string, at int) int {
	if at >= len(text) {
		return -1
	}
	switch c := text[at]; {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// decodeBase64 sets the data from a JSON string of base64.
func (e *event) decodeBase64(raw json.RawMessage, field string) error {
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
	mediaType, _, err := mime.ParseMediaType(e.attribute("datacontenttype"))
	if err != nil {
		mediaType = ""
	}
	return e.setBytes(mediaType, data)
}

// setJSON sets the data from a JSON value.
func (e *event) setJSON(text []byte) error {
	data, err := decodeValue(text)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	e.data, e.text = data, textOf(data)
	return nil
}

// setBytes sets the data from bytes of a media type. Malformed JSON is kept as text;
// binary data is dropped.
func (e *event) setBytes(mediaType string, data []byte) error {
	if len(data) == 0 {
		return nil
	}
	worded := isJSON(mediaType) || strings.HasPrefix(mediaType, "text/")
	text, problem := toUTF8(e.attribute("datacontenttype"), data)
	if problem != nil {
		if worded {
			return errors.New(problem.Message)
		}
		return nil
	}
	if isJSON(mediaType) && e.setJSON(text) == nil {
		return nil
	}
	if worded || printable(text) {
		e.data, e.text = string(text), string(text)
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
