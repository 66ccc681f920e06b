package intake

import (
	"testing"

	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
)

// TestBinaryEvents parses events in the binary mode: percent-encoded headers, data of
// every kind.
func TestBinaryEvents(t *testing.T) {
	for _, row := range []struct{ name, contentType, body, header, value, message, severity string }{
		{"percent", "text/plain", "x", "ce-severity", "%EA%B8%B4%EA%B8%89%20%E2%82%AC", "x", "긴급 €"},
		{"percent once", "text/plain", "x", "ce-severity", "%2541", "x", "%41"},
		{"no percent code", "text/plain", "x", "ce-severity", "5%, %zz%4", "x", "5%, %zz%4"},
		{"not UTF-8", "text/plain", "x", "ce-severity", "%ff", "x", "\uFFFD"},
		{"quotes", "text/plain", "x", "ce-severity", `"a \"b\" c"`, "x", `a "b" c`},
		{"control", "text/plain", "x", "ce-severity", "a%0Ab", "x", "a b"},
		{"null", plainJSON, "null", "ce-severity", "low", "t", "low"},
		{"no data", plainJSON, "", "ce-severity", "low", "t", "low"},
		{"string", plainJSON, `"node1 down"`, "ce-severity", "low", "node1 down", "low"},
		{"bad JSON", plainJSON, `{"a`, "ce-severity", "low", `{"a`, "low"},
		{"JSON of its own", "application/vnd.x+json; charset=utf-8", `{"message":"m"}`, "ce-severity", "low", "m", "low"},
		{"bytes", "application/octet-stream", "\x00\xff\x01", "ce-severity", "low", "t", "low"},
		{"EUC-KR", "text/plain; charset=EUC-KR", encoded(t, "디스크 가득"), "ce-severity", "low", "디스크 가득", "low"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := one(t, ops, "cloudevents", row.contentType, row.body,
				"ce-specversion", "1.0", "ce-id", "1", "ce-source", "/s", "ce-type", "t", row.header, row.value)
			if got.Message != row.message || got.Severity != row.severity {
				t.Errorf("%q %q", got.Message, got.Severity)
			}
		})
	}
}

// TestStructuredData parses the data of events in the JSON format.
func TestStructuredData(t *testing.T) {
	for data, want := range map[string]string{
		`"data":null`:                          "t",
		`"data":""`:                            "t",
		`"data":"node1 down"`:                  "node1 down",
		`"data":{"a":[1, 2.50]}`:               `{"a":[1,2.50]}`,
		`"data":{"message":"m","status":7}`:    "m",
		`"data_base64":"bm9kZTEgZG93bg=="`:     "node1 down",
		`"data_base64":"eyJtZXNzYWdlIjoibSJ9"`: "m",
		`"data_base64":null`:                   "t",
		`"data_base64":"AP8B","datacontenttype":"application/octet-stream"`:            "t",
		`"data_base64":"eyJtZXNzYWdlIjoibSJ9","datacontenttype":"application/json"`:    "m",
		`"data":"bm9kZTEgZG93bg==","datacontentencoding":"base64","specversion":"0.3"`: "node1 down",
		`"data":"x","subject":null,"time":"yesterday"`:                                 "x",
		`"data":{"message":"m"},"status":"resolved","subject":"s"`:                     "resolved: m",
	} {
		body := `{"specversion":"1.0","id":"1","source":"/s","type":"t",` + data + `}`
		if got := one(t, ops, "cloudevents", "application/cloudevents+json", body); got.Message != want {
			t.Errorf("%s: %q, want %q", data, got.Message, want)
		}
	}
}

// TestCharsets checks that a body is decoded by its charset or its byte order mark.
func TestCharsets(t *testing.T) {
	const body = `{"alerts":[{"annotations":{"summary":"디스크 가득"}}]}`
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(body)
	if err != nil {
		t.Fatal(err)
	}
	for contentType, text := range map[string]string{
		`application/json; charset="UTF-8"`:  body,
		"application/json;charset=EUC-KR":    encoded(t, body),
		"application/json; charset=utf-16":   utf16,
		"application/json":                   utf16,
		"application/json;;":                 body,
		"application/json; charset=us-ascii": `{"alerts":[{"annotations":{"summary":"\ub514\uc2a4\ud06c \uac00\ub4dd"}}]}`,
	} {
		if got := one(t, ops, "alertmanager", contentType, text); got.Message != "디스크 가득" {
			t.Errorf("%s: %q", contentType, got.Message)
		}
	}
}

// encoded returns a text in EUC-KR.
func encoded(t *testing.T, text string) string {
	t.Helper()
	out, err := korean.EUCKR.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
