package event_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/protobuf/types/known/timestamppb"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// outcomes returns results as lines: id, outcome, field.
func outcomes(results []*eventv1.PublishResult) string {
	var lines []string
	for _, r := range results {
		outcome := strings.ToLower(strings.TrimPrefix(r.GetOutcome().String(), "PUBLISH_OUTCOME_"))
		lines = append(lines, strings.TrimSpace(r.GetId()+" "+outcome+" "+r.GetField()))
	}
	return strings.Join(lines, "; ")
}

// TestPublish stores what can be stored, and names the field of each event that cannot.
func TestPublish(t *testing.T) {
	h := newHarness(t)
	long := strings.Repeat("x", 201)
	event := func(change func(*eventv1.Event)) *eventv1.Event {
		e := &eventv1.Event{Id: "1", Source: "shop", Type: "order.created", Data: `{"n":1}`}
		change(e)
		return e
	}
	results := h.publish(t,
		event(func(*eventv1.Event) {}),
		event(func(e *eventv1.Event) { e.Id = "" }),
		event(func(e *eventv1.Event) { e.Id, e.Source = "3", long }),
		event(func(e *eventv1.Event) { e.Id, e.Type = "4", "order.*" }),
		event(func(e *eventv1.Event) { e.Id, e.Type = "5", "order..created" }),
		event(func(e *eventv1.Event) { e.Id, e.Subject = "6", "a\nb" }),
		event(func(e *eventv1.Event) { e.Id, e.Data = "7", `{"n":01}` }),
		event(func(e *eventv1.Event) { e.Id, e.Data = "8", `"`+strings.Repeat("x", 256<<10)+`"` }),
		event(func(e *eventv1.Event) { e.Id, e.Time = "9", &timestamppb.Timestamp{Seconds: 1 << 60} }),
		event(func(*eventv1.Event) {}),
		event(func(e *eventv1.Event) { e.Source = "another" }),
		event(func(e *eventv1.Event) { e.Id, e.Data = "10", "" }),
	)
	kittest.Equal(t, outcomes(results), "1 stored; refused events[1].id; 3 refused events[2].source; 4 refused events[3].type; 5 refused events[4].type; "+
		"6 refused events[5].subject; 7 refused events[6].data; 8 refused events[7].data; 9 refused events[8].time; 1 duplicate; 1 stored; 10 stored")
	for _, r := range results {
		if (r.GetMessage() == "") != (r.GetField() == "") {
			t.Errorf("%v", r)
		}
	}
	h.metrics.wait(t, "stored", 3)
	h.metrics.wait(t, "duplicate", 1)
	h.metrics.wait(t, "refused", 8)
	kittest.Equal(t, outcomes(h.publish(t, event(func(*eventv1.Event) {}))), "1 duplicate")

	_, err := h.handler.Publish(t.Context(), &eventv1.PublishRequest{})
	kittest.Error(t, err, fault.ErrInvalid, "events")
	_, err = h.handler.Publish(t.Context(), &eventv1.PublishRequest{Events: make([]*eventv1.Event, 1001)})
	kittest.Error(t, err, fault.ErrInvalid, "1000")
}

// TestPublishUnavailable proves that nothing is reported as stored while the broker is away.
func TestPublishUnavailable(t *testing.T) {
	h := newHarness(t)
	h.conn.Close()
	_, err := h.handler.Publish(t.Context(), &eventv1.PublishRequest{Events: []*eventv1.Event{sample("order.created", "a", 0)}})
	kittest.Error(t, err, fault.ErrUnavailable, "publish them again")
	h.metrics.wait(t, "stored", 0)
}

// TestPublishBody stores the events of bodies in all of their forms. Their data is handled as it
// was written.
func TestPublishBody(t *testing.T) {
	h := newHarness(t)
	run(t, h.consumer)
	const plain = "application/json"
	cloudEvent := func(id, data string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"shop","type":"order.created","subject":"` + id + `","data":` + data + `}`
	}
	var want []string
	for i, c := range []struct {
		contentType, body string
		outcomes          string
		data              []string
	}{
		{plain, `{"id":"$","source":"shop","type":"order.created","subject":"$","data":{ "n":1.10}}`, "$ stored", []string{`{ "n":1.10}`}},
		{plain + "; charset=utf-8", "\xef\xbb\xbf" + `{"id":"$","source":"shop","type":"order.created","subject":"$","time":"2026-01-02T03:04:05+09:00","data":"text"}`, "$ stored", []string{`"text"`}},
		{plain, cloudEvent("$", `1E+400`), "$ stored", []string{"1E+400"}},
		{"application/cloudevents+json", cloudEvent("$", `12345678901234567890`), "$ stored", []string{"12345678901234567890"}},
		{"application/cloudevents-batch+json", "[" + cloudEvent("$", "1") + "," + cloudEvent("$b", "2.0") + `,{"id":"x"},7]`, "$ stored; $b stored; x refused events[2].source; refused events[3]", []string{"1", "b 2.0"}},
		{
			plain, `{"events":[` + cloudEvent("$", "1") + `,{"id":"$","source":"shop","type":"order.created"},{"id":"y","source":"shop","typ":"t"},{"id":5},{"id":"z","source":"s","type":"t","time":"noon"}]}`,
			"$ stored; $ duplicate; y refused events[2].typ; refused events[3].id; refused events[4].time", []string{"1"},
		},
	} {
		id := fmt.Sprintf("id%d", i)
		body := strings.ReplaceAll(c.body, "$", id)
		res, err := h.handler.PublishBody(t.Context(), &eventv1.PublishBodyRequest{Body: &httpbody.HttpBody{ContentType: c.contentType, Data: []byte(body)}})
		if err != nil {
			t.Errorf("%s %s: %v", c.contentType, body, err)
			continue
		}
		if got := outcomes(res.GetResults()); strings.ReplaceAll(got, "z refused", "refused") != strings.ReplaceAll(c.outcomes, "$", id) {
			t.Errorf("%s %s: %s", c.contentType, body, got)
		}
		for _, data := range c.data {
			if rest, ok := strings.CutPrefix(data, "b "); ok {
				want = append(want, id+"b "+rest)
			} else {
				want = append(want, id+" "+data)
			}
		}
	}
	got := h.alerts.wait(t, len(want))
	slices.Sort(got)
	slices.Sort(want)
	kittest.Equal(t, got, want)
}

// TestPublishBodyRefused names what is wrong with a body of which nothing is stored.
func TestPublishBodyRefused(t *testing.T) {
	h := newHarness(t)
	for _, c := range []struct{ contentType, body, reason, field string }{
		{"application/json", "", "not a JSON object", ""},
		{"application/json", "[]", "not a JSON object", ""},
		{"application/json", "\xff", "UTF-8", ""},
		{"application/json", `{"events":[]}`, "1 to 1000", "events"},
		{"application/json", `{"events":7}`, "not an array", "events"},
		{"application/json", `{"events":[{}],"id":"1"}`, "unknown field", "id"},
		{"application/json", `{"events":[{"id":"1","source":"s"}]}`, "no event stored", "events[0].type"},
		{"application/json", `{"id":"1","source":"s","type":"t","data":{},"extra":1}`, "unknown field", "extra"},
		{"application/json", `{"id":"1","source":"s","type":["t"]}`, "must be a string", "type"},
		{"application/json", "[" + strings.Repeat("[", 20_000), "max depth", ""},
		{"text/plain", "hello", "Content-Type", ""},
		{"", "hello", "not a JSON object", ""},
		{"application/cloudevents+json", `{"specversion":"1.0"}`, "missing attribute id", ""},
		{"application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"AP8B","datacontenttype":"image/png"}`, "binary", "data"},
		{"application/cloudevents+json", `{"specversion":"1.0","id":"1","source":"s","type":"t","time":"now"}`, "RFC 3339", "time"},
		{"application/cloudevents+avro", "x", "unsupported Content-Type", ""},
		{"application/cloudevents-batch+json", "{}", "batch", ""},
		{"application/cloudevents-batch+json", "[" + strings.Repeat("{},", 1000) + "{}]", "1 to 1000", "events"},
	} {
		_, err := h.handler.PublishBody(t.Context(), &eventv1.PublishBodyRequest{Body: &httpbody.HttpBody{ContentType: c.contentType, Data: []byte(c.body)}})
		kittest.Error(t, err, fault.ErrInvalid, c.reason)
		field := ""
		for _, f := range fault.Fields(err) {
			field = f.Path
		}
		if field != c.field {
			t.Errorf("%s %.60s: field %q, want %q: %v", c.contentType, c.body, field, c.field, err)
		}
	}
}
