package intake

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"strings"
)

// The media types of CloudEvents over HTTP
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md).
const (
	eventType = "application/cloudevents"
	batchType = "application/cloudevents-batch"
)

// cloudevents parses CloudEvents over HTTP: one in the structured or the binary mode, or
// a batch. source and id identify an event: a second one with both is a duplicate. Its
// severity and targets are extension attributes, or fields of its data if that is a JSON
// object.
func (r reader) cloudevents() Source {
	return r.sourceOf(func(header http.Header, body []byte) ([]Item, *Problem) {
		contentType := header.Get("Content-Type")
		mediaType, _, err := mime.ParseMediaType(contentType)
		if err != nil {
			mediaType = strings.ToLower(strings.TrimSpace(contentType))
		}
		switch {
		case mediaType == batchType+"+json":
			return r.eventBatch(contentType, body)
		case mediaType == eventType+"+json":
			text, problem := toUTF8(contentType, body)
			if problem != nil {
				return nil, problem
			}
			return r.singleEvent(readStructured(text))
		case strings.HasPrefix(mediaType, eventType):
			return nil, unreadableBody("invalid CloudEvent: unsupported Content-Type %q, send JSON", truncate(mediaType, maxName))
		case header.Get("ce-specversion") == "":
			return nil, unreadableBody("invalid CloudEvent: neither Content-Type %s+json nor header ce-specversion", eventType)
		}
		return r.singleEvent(readBinary(header, mediaType, body))
	})
}

// singleEvent returns the alert of a request with one event.
func (r reader) singleEvent(e event, err error) ([]Item, *Problem) {
	if err != nil {
		return nil, unreadableBody("invalid CloudEvent: %s", jsonError(err))
	}
	return []Item{{Alert: r.eventAlert("", e)}}, nil
}

// eventBatch returns the alerts of a batch. An invalid event is refused alone.
func (r reader) eventBatch(contentType string, body []byte) ([]Item, *Problem) {
	text, problem := toUTF8(contentType, body)
	if problem != nil {
		return nil, problem
	}
	var g group
	if err := json.Unmarshal(text, &g.alerts); err != nil {
		return nil, unreadableBody("invalid batch of CloudEvents: %s", jsonError(err))
	}
	if len(g.alerts) == 0 {
		return nil, &Problem{Field: "events", Reason: NoAlerts, Message: "empty batch"}
	}
	g.limit()
	items := make([]Item, 0, len(g.alerts)+1)
	for i, raw := range g.alerts {
		field := fmt.Sprintf("events[%d]", i)
		e, err := readStructured(raw)
		if err != nil {
			items = append(items, Item{Problem: &Problem{Field: field, Reason: UnreadableAlert, Message: truncate(singleLine(jsonError(err)), maxValue)}})
			continue
		}
		items = append(items, Item{Alert: r.eventAlert(field, e)})
	}
	if g.truncated > 0 {
		items = append(items, Item{Alert: r.truncatedAlert(g, items, "their sender")})
	}
	return items, nil
}

// eventAlert returns the alert of an event. Templates get the event in its JSON format.
func (r reader) eventAlert(field string, e event) Alert {
	data, _ := e.data.(map[string]any)
	value := func(name string) any { return firstValue(e.attributes[name], data[name]) }
	text := func(name string) string {
		word, _ := data[name].(string) // fields of another type have another meaning
		return firstNonBlank(e.attribute(name), word)
	}
	source, subject := e.attribute("source"), e.attribute("subject")
	d := draft{
		field:            field,
		targets:          targetsOf(value(r.TargetLabel)),
		severity:         textOf(value(r.SeverityLabel)),
		title:            e.attribute("type"),
		messages:         []string{text("message"), text("summary"), subject, e.text, e.attribute("type")},
		links:            []string{text("link")},
		details:          []Detail{{"source", source}, {"id", e.attribute("id")}},
		idempotencyParts: []string{source, e.attribute("id")},
		resolved:         "resolved: ",
	}
	if subject != "" {
		d.keyParts = []string{source, subject}
	}
	switch strings.ToLower(text("status")) {
	case "firing":
		d.status = Firing
	case "resolved":
		d.status = Resolved
	}
	if subject != "" && subject != firstNonBlank(d.messages...) {
		d.details = append(d.details, Detail{"subject", subject})
	}
	return r.normalize(d, e.asMap())
}

// asMap returns the event in its JSON format, for templates.
func (e event) asMap() map[string]any {
	whole := make(map[string]any, len(e.attributes)+1)
	maps.Copy(whole, e.attributes)
	if e.data != nil {
		whole["data"] = e.data
	}
	return whole
}

// isJSON reports whether a media type is JSON. An empty one counts as JSON.
func isJSON(mediaType string) bool {
	return mediaType == "" || mediaType == "application/json" || mediaType == "text/json" ||
		strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")
}
