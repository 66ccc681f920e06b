package event

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"buf.build/go/protovalidate"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// FuzzBody parses any body of POST /v1/events, which is also what a message of the stream may
// be. An event that is parsed is valid, and the same when it is read from the stream.
func FuzzBody(f *testing.F) {
	f.Add("application/json", "", []byte(`{"id":"1","source":"s","type":"a.b","data":{"n":1.10}}`))
	f.Add("application/json", "", []byte(`{"events":[{"id":"1","source":"s","type":"t"},{"specversion":"1.0","id":"2","source":"s","type":"t","data":[1e400]},7,{"typ":1}]}`))
	f.Add("application/cloudevents-batch+json", "", []byte(`[{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-01-02T03:04:05Z"},{}]`))
	f.Add("text/plain; charset=euc-kr", "1.0", []byte("\xb4\xd9"))
	f.Add("application/cloudevents+json", "1.0", []byte(`{"specversion":"0.3","id":"1","source":"s","type":"t","subject":"\u0000","data":"eA==","datacontentencoding":"base64"}`))
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, contentType, version string, body []byte) {
		header := http.Header{"Content-Type": {contentType}, "Ce-Id": {"1"}, "Ce-Source": {"s"}, "Ce-Type": {"t"}}
		if version != "" {
			header.Set("Ce-Specversion", version)
		}
		candidates, err := parseBody(header, body, now)
		if err != nil {
			if !errors.Is(err, fault.ErrInvalid) || err.Error() == "" || !utf8.ValidString(err.Error()) {
				t.Errorf("error %q", err)
			}
			return
		}
		if len(candidates) == 0 || len(candidates) > maxPublish {
			t.Fatalf("%d events", len(candidates))
		}
		for _, c := range candidates {
			if c.problem != nil {
				if text := c.problem.Error(); text == "" || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\x00") {
					t.Errorf("problem %q", text)
				}
				continue
			}
			checkStored(t, c.event, now)
			checkForms(t, c.event, now)
		}
	})
}

// checkForms checks that an event is the same in each form of a body.
func checkForms(t *testing.T, e Event, now time.Time) {
	t.Helper()
	text, err := e.structured()
	if err != nil {
		t.Fatal(err)
	}
	var fields bytes.Buffer
	encoder := json.NewEncoder(&fields)
	encoder.SetEscapeHTML(false) // data is compared as text
	if err := encoder.Encode(map[string]any{
		"id": e.ID, "source": e.Source, "type": e.Type, "subject": e.Subject, "time": e.Time, "data": json.RawMessage(cmp.Or(string(e.Data), "null")),
	}); err != nil {
		t.Fatal(err)
	}
	for contentType, body := range map[string]string{
		"application/cloudevents+json":       string(text),
		"application/cloudevents-batch+json": "[" + string(text) + "]",
		"application/json":                   fields.String(),
		"application/json; charset=utf-8":    `{"events":[` + string(text) + `]}`,
	} {
		candidates, err := parseBody(http.Header{"Content-Type": {contentType}}, []byte(body), now)
		if err != nil || len(candidates) != 1 || candidates[0].problem != nil {
			t.Errorf("%s %s: %+v, %v", contentType, body, candidates, err)
			continue
		}
		if same := candidates[0].event; same.key() != e.key() || same.order() != e.order() || same.Type != e.Type ||
			!same.Time.Equal(e.Time) || compacted(t, same.Data) != compacted(t, e.Data) {
			t.Errorf("%s: %+v became %+v", contentType, e, same)
		}
	}
}

// compacted returns data without the spaces between its values.
func compacted(t *testing.T, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	if len(data) > 0 {
		if err := json.Compact(&b, data); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// checkStored checks that an event is valid, and the same when it was stored.
func checkStored(t *testing.T, e Event, now time.Time) {
	t.Helper()
	if err := protovalidate.Validate(toWire(e)); err != nil || e.Data != nil && !json.Valid(e.Data) || e.Time.IsZero() {
		t.Fatalf("%+v: %v", e, err)
	}
	text, err := e.structured()
	if err != nil {
		t.Fatal(err)
	}
	again, problem := parseMessage(http.Header{"Content-Type": {"application/cloudevents+json"}}, text, now.Add(time.Hour))
	if problem != nil || again.ID != e.ID || again.Source != e.Source || again.Type != e.Type || again.Subject != e.Subject ||
		!bytes.Equal(again.Data, e.Data) || !again.Time.Equal(e.Time) || again.order() != e.order() || again.key() != e.key() {
		t.Errorf("%+v became %+v: %v", e, again, problem)
	}
}
