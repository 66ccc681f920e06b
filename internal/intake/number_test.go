package intake

import (
	"strings"
	"testing"
)

// TestNumbersAsWritten checks that numbers appear in texts, links and keys as written, and
// that two ids of 19 digits stay different.
func TestNumbersAsWritten(t *testing.T) {
	c := Config{"deploys": {Template: Template{
		Message: "{{.id}} {{.count}} {{.ratio}} {{.zero}} {{.big}}", Title: `{{printf "%d %.1f %s" .id .count .ratio}}`,
		Link: "https://ci.example.com/{{.id}}", Key: "{{.id}}",
		Severity: `{{if and (gt .count 1.5e9) (eq .level 3.0) (eq .level 3)}}high{{end}}{{if .zero}}wrong{{end}}`,
	}}}
	body := func(id string) string {
		return `{"id":` + id + `,"count":1.23456789e+09,"ratio":1.50,"zero":0.0,"level":3,"big":123456789012345678901234567890}`
	}
	got := one(t, c, "deploys", plainJSON, strings.Replace(body("1234567890123456789"), "1.23456789e+09", "1600000000", 1))
	want := Alert{
		Message: "1234567890123456789 1600000000 1.50 0.0 123456789012345678901234567890", Title: "1234567890123456789 1600000000.0 1.50",
		Link: "https://ci.example.com/1234567890123456789", Key: "deploys:1234567890123456789", Severity: "high",
	}
	if got.Message != want.Message || got.Title != want.Title || got.Link != want.Link || got.Key != want.Key || got.Severity != want.Severity || got.Problems != nil {
		t.Errorf("\n%+v, want\n%+v", got, want)
	}
	if got := one(t, c, "deploys", plainJSON, body("1")); !strings.HasPrefix(got.Message, "1 1.23456789e+09 ") {
		t.Errorf("%q", got.Message)
	}
	if other := one(t, c, "deploys", plainJSON, body("1234567890123456788")); other.Key == got.Key || other.IdempotencyKey == got.IdempotencyKey {
		t.Errorf("two ids have one key: %q", other.Key)
	}
	event := `{"specversion":"1.0","id":1234567890123456789,"source":"/s","type":"t","subject":1e9,"data":{"id":1234567890123456789,"ratio":1.50}}`
	got = one(t, Config{"cloudevents": {Template: Template{Message: "{{.data.id}} {{.data.ratio}} {{.id}}"}}}, "cloudevents", "application/cloudevents+json", event)
	if got.Message != "1234567890123456789 1.50 1234567890123456789" || got.Key != "cloudevents:/s 1e9" {
		t.Errorf("%+v", got)
	}
}

// TestKeyOfMissingFields checks that a key template with missing fields makes no key, and
// that the problem names the field.
func TestKeyOfMissingFields(t *testing.T) {
	const key = "{{.project}} {{.version}}"
	for _, row := range []struct{ template, body, key, missing string }{
		{key, `{"project":"api","version":"1.2"}`, "deploys:api 1.2", ""},
		{key, `{"text":"a"}`, "", ".project"},
		{key, `{"project":"api"}`, "", ".version"},
		{key, `{"project":"api","version":null}`, "", ".version"},
		{key, `{"project":"api","version":" "}`, "", ".version"},
		{"{{.build.id}}", `{"build":{}}`, "", ".build.id"},
		{"{{.build.id}}", `{"a":1}`, "", ".build"},
		{`{{.project | upper}}`, `{"a":1}`, "", ".project"},
		{`{{printf "%v" .project}}`, `{"a":1}`, "", ".project"},
		{`{{$x := .}}{{$x.project}}`, `{"a":1}`, "", "$x.project"},
		{`{{range .list}}{{.id}}{{end}}`, `{"list":[{"id":1},{}]}`, "", ".id"},
		{`{{.project}}{{if .version}} {{.version}}{{end}}`, `{"project":"api"}`, "deploys:api", ""},
		{`{{.project}} {{.version | default "main"}}`, `{"project":"api"}`, "deploys:api main", ""},
		{`{{with .version}}{{.}}{{end}}`, `{}`, "", ""},
		{`{{.zero}}`, `{"zero":0}`, "deploys:0", ""},
	} {
		c := Config{"deploys": {Template: Template{Message: "failed", Key: row.template}}}
		got := one(t, c, "deploys", plainJSON, row.body)
		if got.Key != row.key {
			t.Errorf("%s of %s: key %q, want %q", row.template, row.body, got.Key, row.key)
		}
		if row.missing == "" {
			if got.Problems != nil {
				t.Errorf("%s of %s: %v", row.template, row.body, got.Problems)
			}
			continue
		}
		if len(got.Problems) != 1 || got.Problems[0].Reason != MissingKeyField || !strings.Contains(got.Problems[0].Message, row.missing+" is missing") {
			t.Errorf("%s of %s: %v, want %s", row.template, row.body, got.Problems, row.missing)
		}
		other := one(t, c, "deploys", plainJSON, strings.Replace(row.body, "{", `{"other":1,`, 1))
		if other.IdempotencyKey == got.IdempotencyKey {
			t.Errorf("%s: another body is the same alert", row.template)
		}
	}
}

// TestTemplateFails checks that a failing template loses no alert.
func TestTemplateFails(t *testing.T) {
	c := Config{"any": {Severity: "high", Template: Template{Message: "{{.a.b.c}}", Target: "{{index .a 9}}", Severity: "{{.a.b.c}}"}}}
	got := one(t, c, "any", plainJSON, `{"a": "b"}`)
	if got.Message != `{"a":"b"}` || got.Severity != "high" || got.Targets != nil || len(got.Problems) != 3 || got.Problems[0].Reason != TemplateFailed {
		t.Errorf("%+v", got)
	}
}

// TestStatusTemplate checks that a status template can make a resolution of its key.
func TestStatusTemplate(t *testing.T) {
	c := Config{"zabbix": {Template: Template{Message: "{{.name}}", Key: "{{.id}}", Status: `{{if eq .value 0}}resolved{{end}}`}}}
	for body, want := range map[string]Status{`{"name":"x","id":1,"value":0}`: Resolved, `{"name":"x","id":1,"value":1}`: Firing, `{"name":"x","value":0}`: Unknown} {
		if got := one(t, c, "zabbix", plainJSON, body); got.Status != want {
			t.Errorf("%s: %v, want %v", body, got.Status, want)
		}
	}
}
