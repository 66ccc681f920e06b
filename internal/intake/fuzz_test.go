package intake

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/target"

	"github.com/bongsu-project/bongsu/internal/cloudevents"
)

// fuzz parses any body by a source, and checks that every alert is within the limits of
// SendAlertRequest.
func fuzz(f *testing.F, source, contentType string, header http.Header, bodies ...string) {
	for _, body := range bodies {
		f.Add([]byte(body), contentType)
	}
	c := Config{source: {Target: []string{"@@ops"}}}
	if source == "any" {
		c[source] = SourceConfig{Template: Template{Message: "{{.a}}", Target: "{{.t}}", Link: "{{.l}}", Title: "{{.n}}", Key: "{{.k}}", Status: "{{.s}}"}}
	}
	sources, err := c.Sources()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		h := header.Clone()
		h.Set("Content-Type", contentType)
		items, problem := sources[source].Read(h, body)
		if (problem == nil) != (len(items) > 0) {
			t.Fatalf("%v, %d items", problem, len(items))
		}
		for _, item := range items {
			if p := item.Problem; p != nil {
				if p.Reason == "" || p.Message == "" || len(p.Message) > 4*maxValue {
					t.Errorf("%+v", p)
				}
				continue
			}
			checkBounds(t, item.Alert)
		}
	})
}

// checkBounds checks an alert against the rules of SendAlertRequest.
func checkBounds(t *testing.T, a Alert) {
	t.Helper()
	fits := func(text string, most int, inLine bool) bool {
		return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most && !strings.ContainsRune(text, 0) && (!inLine || singleLine(text) == text)
	}
	if a.Message == "" || !fits(a.Message, maxMessage, false) || !fits(a.Title, maxTitle, true) || !fits(a.Severity, maxSeverity, true) ||
		!fits(a.Key, maxKey, true) || !fits(a.IdempotencyKey, maxKey, true) || a.IdempotencyKey == "" || a.Status == Resolved && a.Key == "" {
		t.Errorf("%+v", a)
	}
	if !fits(a.Link, maxLink, true) || a.Link != "" && (fitLink(a.Link) != a.Link || strings.ContainsAny(a.Link, " \x7f")) {
		t.Errorf("link %q", a.Link)
	}
	if len(a.Details) > maxDetails || len(a.Targets) > maxTargets || len(a.Problems) > maxDetails || len(a.Malformed) > maxDetails {
		t.Errorf("too many: %+v", a)
	}
	for _, d := range a.Details {
		if d.Name == "" || !fits(d.Name, maxName, true) || !fits(d.Value, maxValue, true) {
			t.Errorf("detail %+v", d)
		}
	}
	for _, text := range a.Targets {
		if _, err := target.Parse(text); err != nil {
			t.Error(err)
		}
	}
}

func FuzzAlertmanager(f *testing.F) {
	fuzz(f, "alertmanager", plainJSON, http.Header{},
		`{"alerts":[{"status":"firing","labels":{"alertname":"x","bongsu_target":"@all"},"annotations":{"description":"d"}},7],"truncatedAlerts":1}`,
		`[{"status":{"state":"suppressed"},"endsAt":1e9}]`)
}

func FuzzGrafana(f *testing.F) {
	fuzz(f, "grafana", plainJSON, http.Header{},
		`{"alerts":[{"valueString":"v"}],"title":"t"}`, `{"title":"t","ruleId":1.50,"state":"ok","tags":{"a":null}}`)
}

func FuzzStructuredEvent(f *testing.F) {
	fuzz(f, "cloudevents", "application/cloudevents+json", http.Header{},
		`{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"eyJhIjoxfQ==","subject":"s","status":"resolved"}`)
	f.Add([]byte(`[{"specversion":"1.0","id":"1","source":"/s","type":"t","data":null},{}]`), cloudevents.BatchType)
}

func FuzzBinaryEvent(f *testing.F) {
	header := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"%20%"}, "Ce-Type": {`"a\`}}
	fuzz(f, "cloudevents", "text/plain; charset=euc-kr", header, "node1 down", "\xff\xfe\x00\x01")
}

func FuzzAnything(f *testing.F) {
	fuzz(f, "any", plainJSON, http.Header{}, `{"a":1e9,"t":"@all,ops","l":"https://x.org/ ","n":0.0,"k":12345678901234567890,"s":"ok"}`, `[null]`)
}
