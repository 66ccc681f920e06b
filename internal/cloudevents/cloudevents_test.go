package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/cloudevents"
)

// TestDataStaysAsWritten proves that data is read byte for byte as it was written: numbers
// of any size and precision, spaces, and characters that an encoder of HTML escapes.
func TestDataStaysAsWritten(t *testing.T) {
	for _, data := range []string{
		`{"id":12345678901234567890,"price":1.10,"tiny":1e-400,"exp":1E+2}`,
		"{ \"a\" :\n[ 1.0 , -0 ] }",
		`{"html":"<b>&amp;</b>","u":"\u00e9","line":"` + "\u2028" + `"}`,
		`"text"`, `0.10`, `true`, `[]`,
	} {
		text, err := cloudevents.Structured(cloudevents.Attributes{ID: "1", Source: "s", Type: "t"}, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		for name, header := range map[string]http.Header{
			"structured": {"Content-Type": {"application/cloudevents+json; charset=utf-8"}},
			"no headers": {},
		} {
			e, err := cloudevents.ParseMessage(header, text)
			if err != nil || string(e.JSON) != data {
				t.Errorf("%s: %q, %v, want %q", name, e.JSON, err, data)
			}
		}
		e, err := cloudevents.ParseMessage(http.Header{
			"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"s"}, "Ce-Type": {"t"}, "Content-Type": {"application/json"},
		}, []byte(data))
		if err != nil || string(e.JSON) != data {
			t.Errorf("binary: %q, %v, want %q", e.JSON, err, data)
		}
	}
}

func TestStructuredRefusesOtherData(t *testing.T) {
	for _, data := range []string{"", "{", "nope", `{"a":01}`, `1}`, `{},"id":"2"`} {
		if text, err := cloudevents.Structured(cloudevents.Attributes{ID: "1", Source: "s", Type: "t"}, []byte(data)); err == nil {
			t.Errorf("%q was written as %s", data, text)
		}
	}
}

// TestParseMessage parses messages of other programs, as they come.
func TestParseMessage(t *testing.T) {
	const plain = `{"specversion":"1.0","id":"1","source":"s","type":"t"`
	binary := func(contentType string, more ...string) http.Header {
		h := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"s"}, "Ce-Type": {"t"}}
		for i := 0; i < len(more); i += 2 {
			h.Set(more[i], more[i+1])
		}
		if contentType != "" {
			h.Set("Content-Type", contentType)
		}
		return h
	}
	for _, row := range []struct {
		name         string
		header       http.Header
		body         string
		data, reason string // of the event; reason is a part of the error or of Unreadable
	}{
		{"byte order mark", http.Header{}, "\xef\xbb\xbf" + plain + `,"data":1}`, "1", ""},
		{"base64 of JSON", http.Header{}, plain + `,"data_base64":"eyJhIjoxLjB9"}`, `{"a":1.0}`, ""},
		{"base64 of bytes", http.Header{}, plain + `,"datacontenttype":"image/png","data_base64":"AP8B"}`, "", "binary"},
		{"bad base64", http.Header{}, plain + `,"data_base64":"%"}`, "", "base64"},
		{"null", http.Header{}, plain + `,"data":null}`, "", ""},
		{"no data", http.Header{}, plain + `}`, "", ""},
		{"text", binary("text/plain; charset=utf-8"), `a "b"`, `"a \"b\""`, ""},
		{"quoted attribute", binary("", "Ce-Subject", `"order 7"`), "1", "1", ""},
		{"malformed JSON", binary("application/json"), `{"a`, `"{\"a"`, "unexpected"},
		{"another format", http.Header{"Content-Type": {"application/cloudevents+avro"}}, plain + "}", "", "unsupported Content-Type"},
		{"a batch", http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, "[" + plain + "}]", "", "unsupported Content-Type"},
		{"no id", http.Header{}, `{"specversion":"1.0","source":"s","type":"t"}`, "", "missing attribute id"},
		{"blank type", http.Header{}, `{"specversion":"1.0","id":"1","source":"s","type":" "}`, "", "missing attribute type"},
		{"another version", http.Header{}, `{"specversion":"9","id":"1","source":"s","type":"t"}`, "", `unsupported specversion "9"`},
		{"not an object", http.Header{}, `[]`, "", "cannot unmarshal"},
		{"nothing", http.Header{}, "", "", "unexpected end"},
		{"not UTF-8", http.Header{}, "\xff\xff", "", "UTF-8"},
		{"two values", http.Header{}, plain + "}{}", "", "after top-level value"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e, err := cloudevents.ParseMessage(row.header, []byte(row.body))
			reason := e.Unreadable
			if err != nil {
				reason = err.Error()
			}
			if string(e.JSON) != row.data || !strings.Contains(reason, row.reason) || row.reason == "" && reason != "" {
				t.Errorf("data %s, reason %q", e.JSON, reason)
			}
		})
	}
}

func TestTime(t *testing.T) {
	at := time.Date(2026, 11, 29, 9, 30, 0, 120, time.FixedZone("", 9*3600))
	text, err := cloudevents.Structured(cloudevents.Attributes{ID: "1", Source: "s", Type: "t", Time: at}, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, err := cloudevents.ParseStructured(text)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.Time(); err != nil || !got.Equal(at) {
		t.Errorf("%s, %v", got, err)
	}
	e.Attributes["time"] = "yesterday"
	if _, err := e.Time(); err == nil || !strings.Contains(err.Error(), "RFC 3339") {
		t.Error(err)
	}
}

// FuzzMessage parses any message. What can be parsed has its attributes, and data that is
// JSON; it is the same event when it is written and parsed again.
func FuzzMessage(f *testing.F) {
	f.Add("", "", "", []byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"n":1.10}}`))
	f.Add("application/json", "1.0", "%41", []byte(`{"a":12345678901234567890}`))
	f.Add("text/plain; charset=euc-kr", "0.3", `"a\`, []byte("\xb4\xd9"))
	f.Add("application/octet-stream", "1.0", "x", []byte{0, 255})
	f.Fuzz(func(t *testing.T, contentType, version, attribute string, body []byte) {
		header := http.Header{"Content-Type": {contentType}, "Ce-Specversion": {version}, "Ce-Id": {attribute}, "Ce-Source": {"s"}, "Ce-Type": {"t"}}
		e, err := cloudevents.ParseMessage(header, body)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a text")
			}
			return
		}
		a := cloudevents.Attributes{ID: e.Attribute("id"), Source: e.Attribute("source"), Type: e.Attribute("type"), Subject: e.Attribute("subject")}
		if a.ID == "" || a.Source == "" || a.Type == "" || e.JSON != nil && !json.Valid(e.JSON) || !utf8.Valid(e.JSON) {
			t.Fatalf("%+v", e)
		}
		text, err := cloudevents.Structured(a, e.JSON)
		if err != nil {
			t.Fatal(err)
		}
		again, err := cloudevents.ParseStructured(text)
		if err != nil || !bytes.Equal(again.JSON, e.JSON) || again.Attribute("id") != strings.ToValidUTF8(a.ID, "\uFFFD") {
			t.Errorf("%+v became %+v, %v", e, again, err)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add("%41%", `"a\"`)
	f.Fuzz(func(t *testing.T, a, b string) {
		if got := cloudevents.DecodeHeader(a + b); !utf8.ValidString(got) || len(got) > 3*len(a+b) {
			t.Errorf("%q", got)
		}
	})
}
