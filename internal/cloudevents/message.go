package cloudevents

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// The media types of CloudEvents
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md).
const (
	// Type begins the media types of structured events.
	Type = "application/cloudevents"
	// StructuredType is the media type of an event in JSON.
	StructuredType = Type + "+json"
	// BatchType is the media type of a batch of events in JSON.
	BatchType = Type + "-batch+json"
)

// MediaType returns the media type of a Content-Type, in lower case and without parameters.
func MediaType(contentType string) string {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType, _, _ = strings.Cut(contentType, ";")
		mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	}
	return mediaType
}

// ParseMessage parses a message with one event: in the binary mode if header has a version of
// CloudEvents, otherwise in the structured mode. A structured event needs no Content-Type, as
// programs publish to NATS without headers. Names in header are canonical, by
// http.Header.Set.
func ParseMessage(header http.Header, body []byte) (Event, error) {
	contentType := header.Get("Content-Type")
	mediaType := MediaType(contentType)
	structured := strings.HasPrefix(mediaType, Type)
	if structured && mediaType != StructuredType {
		return Event{}, fmt.Errorf("unsupported Content-Type %.100q: use %s", mediaType, StructuredType)
	}
	if !structured && header.Get("Ce-Specversion") != "" {
		return ParseBinary(header, mediaType, body)
	}
	text, err := wiretext.ToUTF8(contentType, body)
	if err != nil {
		return Event{}, err
	}
	return ParseStructured(text)
}

// Time returns the time of an event; the zero time if it has none.
func (e Event) Time() (time.Time, error) {
	text := e.Attribute("time")
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, errors.New("time is not in the form of RFC 3339: 2006-01-02T15:04:05Z")
	}
	return t, nil
}
