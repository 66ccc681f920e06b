package event

import (
	"bytes"
	"encoding/json"
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
			if fault.Fields(err) == nil && err.Error() == "" {
				t.Error("an error without a text")
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
		}
	})
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
