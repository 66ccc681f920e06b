package texttemplate

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
)

var numbers = map[string]any{
	"id": int64(1234567890123456789), "other": int64(1234567890123456788), "three": int64(3), "zero": int64(0),
	"exponent": json.Number("1.5e9"), "ratio": json.Number("1.50"), "nought": json.Number("0.0"),
	"long": json.Number("123456789012345678901234567890"), "huge": json.Number("1e1000000000"), "text": "3",
}

// TestNumbers proves that numbers are printed as they were written, and compared by
// value.
func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"{{.id}} {{.exponent}} {{.ratio}} {{.long}} {{.huge}}":                               "1234567890123456789 1.5e9 1.50 123456789012345678901234567890 1e1000000000",
		`{{printf "%d %x %5d|%v %s" .id .three .three .ratio .exponent}}`:                    "1234567890123456789 3     3|1.50 1.5e9",
		`{{printf "%.1f %.0f %.2e %g" .ratio .id .exponent .three}}`:                         "1.5 1234567890123456789 1.50e+09 3",
		`{{printf "%d" .exponent}}`:                                                          "1500000000",
		`{{eq .three 3}} {{eq .three 3.0}} {{eq .ratio 1.5}} {{eq .id .other}} {{ne .id 1}}`: "true true true false true",
		`{{lt .ratio 2}} {{le .three 3}} {{gt .exponent 1499999999}} {{ge .three 3.5}}`:      "true true true false",
		`{{eq .three 1 2 3}} {{eq .text "3"}} {{eq .none .none}} {{eq .none 3}}`:             "true true true false",
		`{{eq true true}} {{eq .text "4" "3"}} {{lt "a" "b"}} {{eq .huge .huge}}`:            "true true true true",
		`{{if .zero}}a{{end}}{{if .nought}}b{{end}}{{with .ratio}}{{.}}{{end}}`:              "1.50",
		`{{if .none}}a{{else if .nought}}b{{else}}c{{end}}`:                                  "c",
		`{{index (index .list 0) .three}}`:                                                   "",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := p.Execute(numbers)
		if want == "" {
			if !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("%s: %q, %v", text, got, err)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`{{eq .three "3"}}`, `{{lt .three .none}}`, `{{lt true false}}`, `{{eq .huge 3}}`} {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Execute(numbers); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "incompatible") {
			t.Errorf("%s: %q, %v", text, got, err)
		}
	}
}

// TestStrict proves that the error of a strict template names the missing field.
func TestStrict(t *testing.T) {
	for text, missing := range map[string]string{
		"{{.id}} {{.zero}} constant":                      "",
		"{{.none}}":                                       ".none",
		"{{.none.more}}":                                  ".none",
		`{{.id}}{{.none | upper}}`:                        ".none",
		`{{print (upper .none)}}`:                         ".none",
		`{{.none | default "x"}}{{default "x" .none}}`:    "",
		"{{if .none}}{{.none}}{{else}}{{.id}}{{end}}":     "",
		"{{if .id}}{{.none}}{{end}}":                      ".none",
		"{{$n := .none}}{{$n}}":                           ".none",
		"{{with .none}}{{.more}}{{end}}":                  "",
		`{{index . "id"}} {{with index . "none"}}{{end}}`: "",
		`{{index . "none"}}`:                              `index . "none"`,
		`{{"none" | index .}}`:                            `index .`,
		`{{print (index . "none")}}`:                      `index . "none"`,
		`{{default "x" (index . "none")}}`:                "",
		`{{index . "none" | upper}}`:                      `index . "none"`,
	} {
		p, err := ParseStrict(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := p.Execute(numbers)
		if missing == "" {
			if err != nil {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if !errors.Is(err, ErrMissing) || !errors.Is(err, fault.ErrInvalid) || !strings.HasPrefix(err.Error(), missing+" is missing or empty") {
			t.Errorf("%s: %q, %v, want %q", text, got, err, missing)
		}
	}
	if _, err := ParseStrict("{{.none"); !errors.Is(err, fault.ErrInvalid) {
		t.Error(err)
	}
}

// TestExecuteEscaped proves that all printed values are escaped, and that no text of the template
// is.
func TestExecuteEscaped(t *testing.T) {
	data := map[string]any{"id": json.Number("1.50"), "name": "a b", "list": []any{"x", nil, int64(2)}, "yes": true}
	for text, want := range map[string]string{
		"": "", "a <b>": "a <b>", "@{{.name}} {{.id}}": "@<a b> <1.50>", `{{printf "%s-%s" .name .id}}`: "<a b-1.50>",
		"{{range .list}}@{{.}} {{end}}": "@<x> @ @<2> ", "{{.none}}": "", `{{default "d" .none}}{{"c"}}{{.yes}}`: "<d><c><true>",
		"{{$x := .name}}{{if eq $x \"a b\"}}{{$x}}{{end}}": "<a b>", "{{with .name}}{{.}}{{else}}n{{end}}": "<a b>",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.ExecuteEscaped(data, func(value string) string { return "<" + value + ">" })
		if err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
}
