package intake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"

	"github.com/bongsu-project/bongsu/internal/cloudevents"
	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// cloudevents parses CloudEvents over HTTP: one in the structured or the binary mode, or
// a batch. source and id identify an event: a second one with both is a duplicate. Its
// severity and targets are extension attributes, or fields of its data if that is a JSON
// object.
func (r reader) cloudevents() Source {
	return r.sourceOf(func(header http.Header, body []byte) ([]Item, *Problem) {
		contentType := header.Get("Content-Type")
		mediaType := cloudevents.MediaType(contentType)
		switch {
		case mediaType == cloudevents.BatchType:
			return r.eventBatch(contentType, body)
		case mediaType == cloudevents.StructuredType:
			text, err := wiretext.ToUTF8(contentType, body)
			if err != nil {
				return nil, unreadableBody("%s", err)
			}
			return r.singleEvent(cloudevents.ParseStructured(text))
		case strings.HasPrefix(mediaType, cloudevents.Type):
			return nil, unreadableBody("invalid CloudEvent: unsupported Content-Type %q, send JSON", truncate(mediaType, maxName))
		case header.Get("ce-specversion") == "":
			return nil, unreadableBody("invalid CloudEvent: neither Content-Type %s nor header ce-specversion", cloudevents.StructuredType)
		}
		return r.singleEvent(cloudevents.ParseBinary(header, mediaType, body))
	})
}

// singleEvent returns the alert of a request with one event.
func (r reader) singleEvent(e cloudevents.Event, err error) ([]Item, *Problem) {
	if err != nil {
		return nil, unreadableBody("invalid CloudEvent: %s", wiretext.ErrorText(err))
	}
	return []Item{{Alert: r.eventAlert("", e)}}, nil
}

// eventBatch returns the alerts of a batch. An invalid event is refused alone.
func (r reader) eventBatch(contentType string, body []byte) ([]Item, *Problem) {
	text, err := wiretext.ToUTF8(contentType, body)
	if err != nil {
		return nil, unreadableBody("%s", err)
	}
	var g group
	if err := json.Unmarshal(text, &g.alerts); err != nil {
		return nil, unreadableBody("invalid batch of CloudEvents: %s", wiretext.ErrorText(err))
	}
	if len(g.alerts) == 0 {
		return nil, &Problem{Field: "events", Reason: NoAlerts, Message: "empty batch"}
	}
	g.limit()
	items := make([]Item, 0, len(g.alerts)+1)
	for i, raw := range g.alerts {
		field := fmt.Sprintf("events[%d]", i)
		e, err := cloudevents.ParseStructured(raw)
		if err != nil {
			items = append(items, Item{Problem: &Problem{Field: field, Reason: UnreadableAlert, Message: truncate(singleLine(wiretext.ErrorText(err)), maxValue)}})
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
func (r reader) eventAlert(field string, e cloudevents.Event) Alert {
	data, _ := e.Data.(map[string]any)
	value := func(name string) any { return firstValue(e.Attributes[name], data[name]) }
	text := func(name string) string {
		word, _ := data[name].(string) // fields of another type have another meaning
		return firstNonBlank(e.Attribute(name), word)
	}
	source, subject := e.Attribute("source"), e.Attribute("subject")
	d := draft{
		field:            field,
		targets:          targetsOf(value(r.TargetLabel)),
		severity:         wiretext.TextOf(value(r.SeverityLabel)),
		title:            e.Attribute("type"),
		messages:         []string{text("message"), text("summary"), subject, e.Text, e.Attribute("type")},
		links:            []string{text("link")},
		details:          []Detail{{"source", source}, {"id", e.Attribute("id")}},
		idempotencyParts: []string{source, e.Attribute("id")},
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
	return r.normalize(d, eventMap(e))
}

// eventMap returns an event in its JSON format, for templates.
func eventMap(e cloudevents.Event) map[string]any {
	whole := make(map[string]any, len(e.Attributes)+1)
	maps.Copy(whole, e.Attributes)
	if e.Data != nil {
		whole["data"] = e.Data
	}
	return whole
}
