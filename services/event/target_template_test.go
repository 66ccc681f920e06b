package event_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/event"
)

func targetsOf(t *testing.T, text, data string) ([]string, error) {
	t.Helper()
	template, err := event.ParseTargetTemplate(text)
	kittest.NoError(t, err)
	var value any
	decoder := json.NewDecoder(strings.NewReader(data))
	decoder.UseNumber()
	kittest.NoError(t, decoder.Decode(&value))
	return template.Targets(map[string]any{"data": value})
}

func TestTargetTemplate(t *testing.T) {
	const data = `{"buyer": "kim", "buyers": ["kim", "lee"], "group": "night shift", "who": "@lee", "team": "@@owners", "all": "@all",
		"staff": [{"name": "kim", "on": true}, {"name": "lee", "on": false}], "number": 1234567890123456789, "none": null}`
	for text, want := range map[string]string{
		"@kim":                                 "@kim",
		" @@owners ":                           "@@owners",
		"@@night shift":                        "@@night shift",
		"@all":                                 "@all",
		"@{{.data.buyer}}":                     "@kim",
		"@@{{.data.group}}":                    "@@night shift",
		"@shop-{{.data.buyer}}":                "@shop-kim",
		"{{range .data.buyers}}@{{.}} {{end}}": "@kim|@lee",
		"{{range .data.buyers}}@{{.}}\n{{end}}@@owners":            "@kim|@lee|@@owners",
		"{{range .data.staff}}{{if .on}}@{{.name}} {{end}}{{end}}": "@kim",
		"{{.data.who}}":                        "@lee",
		"{{.data.team}}":                       "@@owners",
		"{{.data.all}}":                        "@all",
		"@{{.data.number}}":                    "@1234567890123456789",
		"{{range .data.nobody}}@{{.}} {{end}}": "",
		"{{with .data.none}}@{{.}}{{end}}":     "",
		`@{{default "lee" .data.none}}`:        "@lee",
		"{{if .data.buyer}}@all{{end}}":        "@all",
	} {
		got, err := targetsOf(t, text, data)
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("%s: %q, %v, want %s", text, got, err, want)
		}
	}
}

// TestValuesStayNames proves that whoever chooses a value cannot name further users by it.
func TestValuesStayNames(t *testing.T) {
	for _, row := range []struct{ text, value, want string }{
		{"@{{.data.v}}", "all", ""},
		{"@{{.data.v}}", "@owners", ""},
		{"@{{.data.v}}", "x @all", "@x @all"}, // a user whose name has a space
		{"@{{.data.v}}", "x\n@all", ""},
		{"@{{.data.v}}", "\u00001\u0000", ""},
		{"@{{.data.v}}", " ", ""},
		{"@{{.data.v}}", "", ""},
		{"@a{{.data.v}}", "ll", ""},
		{"@@{{.data.v}}", "@all", ""},
		{"@@{{.data.v}}", "all", "@@all"}, // a group of that name
		{"{{.data.v}}", "kim", ""},
		{"{{.data.v}}", "@kim\u0000", ""},
		{"{{.data.v}}", "@kim @lee", "@kim @lee"},
		{`{{printf "@%s" .data.v}}`, "x @all", "@x @all"},
		{"{{range .data.list}}@{{.}} {{end}}", "", ""},
		{"@{{.data.none}}", "", ""},
	} {
		value, err := json.Marshal(row.value)
		kittest.NoError(t, err)
		got, err := targetsOf(t, row.text, `{"v": `+string(value)+`, "list": ["kim", "all"], "none": null}`)
		if row.want == "" {
			if !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("%s with %q: %q, %v", row.text, row.value, got, err)
			}
			continue
		}
		kittest.NoError(t, err)
		kittest.Equal(t, got, []string{row.want})
	}
}

func TestInvalidTargetTemplates(t *testing.T) {
	for text, why := range map[string]string{
		"": "malformed", "kim": "malformed", "@kim @lee": "malformed", "@": "malformed", "@{{.data": "parse template", "@k\x00": "NUL",
		`{{template "x"}}`: "template", "{{nothing}}": "not defined",
	} {
		_, err := event.ParseTargetTemplate(text)
		kittest.Error(t, err, fault.ErrInvalid, why)
	}
}
