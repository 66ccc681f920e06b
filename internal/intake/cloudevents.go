package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// cloudevents reads CloudEvents over HTTP
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md):
// one in the structured or the binary mode, or a batch. source and id name an event:
// whoever sends the same again is understood to repeat it. Its severity and targets
// are extension attributes, or fields of its data if that is JSON.
func (r reader) cloudevents() Source {
	return func(header http.Header, body []byte) ([]Alert, error) {
		events, err := readEvents(header, body)
		if err != nil {
			return nil, fmt.Errorf("the request is no CloudEvent: %s: %w", line(err.Error()), fault.ErrInvalid)
		}
		if len(events) == 0 || len(events) > maxAlerts {
			return nil, fmt.Errorf("the batch has %d events: from 1 to %d are taken at once: %w", len(events), maxAlerts, fault.ErrInvalid)
		}
		all := make([]Alert, 0, len(events))
		for i, e := range events {
			if err := e.Validate(); err != nil {
				return nil, fmt.Errorf("event %d: %s: %w", i, line(err.Error()), fault.ErrInvalid)
			}
			a, err := r.event(e)
			if err != nil {
				return nil, fmt.Errorf("event %d: %w", i, err)
			}
			all = append(all, a)
		}
		return all, nil
	}
}

func readEvents(header http.Header, body []byte) ([]cloudevents.Event, error) {
	req := &http.Request{Header: header, Body: readCloser{bytes.NewReader(body)}, ContentLength: int64(len(body))}
	if strings.HasPrefix(header.Get("Content-Type"), cloudevents.ApplicationCloudEventsBatchJSON) {
		return cehttp.NewEventsFromHTTPRequest(req)
	}
	one, err := cehttp.NewEventFromHTTPRequest(req)
	if err != nil {
		return nil, err
	}
	return []cloudevents.Event{*one}, nil
}

// event makes an alert of an event. Its templates see the event as its JSON format
// has it.
func (r reader) event(e cloudevents.Event) (Alert, error) {
	var whole, data map[string]any
	text, err := json.Marshal(e)
	if err == nil {
		err = json.Unmarshal(text, &whole)
	}
	if err != nil {
		return Alert{}, fmt.Errorf("the event cannot be read: %s: %w", line(said(err)), fault.ErrInvalid)
	}
	data, _ = whole["data"].(map[string]any) // data of another form is shown as it is
	word := func(name string) string {
		if v, is := e.Extensions()[name]; is {
			return fmt.Sprint(v)
		}
		text, _ := data[name].(string)
		return text
	}
	a := Alert{
		Targets:  targets(word(r.TargetLabel)),
		Severity: word(r.SeverityLabel),
		Title:    e.Type(),
		Message:  first(word("message"), word("summary"), e.Subject(), string(e.Data()), e.Type()),
		Link:     word("link"),
		Details:  []Detail{{"source", e.Source()}, {"id", e.ID()}},
		Key:      e.Source() + " " + e.ID(),
	}
	if e.Subject() != "" && e.Subject() != a.Message {
		a.Details = append(a.Details, Detail{"subject", e.Subject()})
	}
	return r.settle(a, whole)
}

// readCloser is a body that needs no closing.
type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
