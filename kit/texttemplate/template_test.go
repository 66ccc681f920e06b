package texttemplate

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

var data = map[string]any{
	"message": "node1 <down>",
	"labels":  map[string]any{"host": "node1"},
	"list":    []any{"a", "b", 3},
	"long":    strings.Repeat("x", MaxText/2+1),
	"wide":    make([]any, MaxSteps+1),
	"deep":    deep(200),
	"ctrl":    strings.Repeat("\x00", 20_000),
}

// deep returns n nested lists.
func deep(n int) any {
	var v any = "x"
	for range n {
		v = []any{v}
	}
	return v
}

func TestExecute(t *testing.T) {
	for text, want := range map[string]string{
		"":              "",
		"plain":         "plain",
		"{{.message}}!": "node1 <down>!",
		"{{.labels.host | upper}} {{.labels.none}}.":                         "NODE1 .",
		"{{range .list}}<{{.}}>{{else}}none{{end}}":                          "<a><b><3>",
		"{{range .none}}<{{.}}>{{else}}none{{end}}":                          "none",
		`{{if eq .labels.host "node1"}}yes{{else}}no{{end}}`:                 "yes",
		`{{.none | default "nothing"}} {{default "x" .message}}`:             "nothing node1 <down>",
		`{{join ", " .list}}`:                                                "a, b, 3",
		`{{printf "%s in %5.1f %% of 2026" .message 3.14159}}`:               "node1 <down> in   3.1 % of 2026",
		`{{html .message}} {{urlquery "a b"}} {{len .list}} {{print 1 2}}`:   "node1 &lt;down&gt; a+b 3 1 2",
		`{{json .message}} {{json .none}} {{json 3}} {{urlpath "a b/c?d"}}`:  `"node1 <down>" null 3 a%20b%2Fc%3Fd`,
		`{{with .labels}}{{range $k, $v := .}}{{$k}}={{$v}}{{end}}{{end}}`:   "host=node1",
		`{{range $i, $_ := .list}}{{if $i}},{{end}}{{$i}}{{end}}{{/* c */}}`: "0,1,2",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for range 2 { // a template can be executed repeatedly
			if got, err := p.Execute(data); err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", text, got, err, want)
			}
		}
	}
}

// TestParseRefuses parses templates that are malformed, or could recurse.
func TestParseRefuses(t *testing.T) {
	for text, why := range map[string]string{
		"{{.message":  "unclosed",
		"{{nothing}}": `"nothing" not defined`,
		`{{define "x"}}{{template "x"}}{{end}}{{template "x"}}`:      "define",
		`{{block "x" .}}{{end}}`:                                     "define",
		`{{template "template" .}}`:                                  "call templates",
		`{{if .a}}{{range .b}}{{template "template"}}{{end}}{{end}}`: "call templates",
		strings.Repeat("x", MaxTemplate+1):                           "at most",
	} {
		if _, err := Parse(text); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), why) {
			t.Errorf("%.40s: %v, want %q", text, err, why)
		}
	}
}

// TestExecuteStops executes templates without end, or with unbounded memory.
func TestExecuteStops(t *testing.T) {
	for text, why := range map[string]string{
		"{{range 1000000000000}}{{end}}":                                "steps",
		"{{range 1000000000000}}x{{end}}":                               "steps",
		"{{range 1000}}{{range 1000}}{{end}}{{end}}":                    "execution exceeds ", // steps, or under the race detector time
		`{{range $i, $_ := .wide}}{{end}}`:                              "steps",
		`{{printf "%[1]s%[1]s" "a"}}`:                                   "argument indexes",
		`{{printf "%+[1]d" 1}}`:                                         "argument indexes",
		`{{printf "%5[1]d" 1}}`:                                         "argument indexes",
		`{{printf "%.[1]f" 1.0}}`:                                       "argument indexes",
		`{{$x := "x"}}{{range 100}}{{$x = print $x $x}}{{end}}`:         "exceed",
		`{{$x := "x"}}{{range 100}}{{$x = printf "%s%s" $x $x}}{{end}}`: "exceed",
		`{{printf "%1000000d" 1}}`:                                      "two digits",
		`{{printf "%.999f" 1.0}}`:                                       "two digits",
		`{{printf "%*d" 1000000 1}}`:                                    "two digits",
		"{{.long}}{{.long}}":                                            "exceed",
		"{{print .long .long}}":                                         "exceed",
		"{{.message.none.none}}":                                        "can't evaluate",
		"{{index .list 9}}":                                             "out of range",
		"{{call .message}}":                                             "call is not available",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := p.Execute(data); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %.40q, %v, want %q", text, got, err, why)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add(`{{range .list}}{{printf "%5s" .}}{{end}}`)
	f.Add(`{{with $x := .labels}}{{$x.host}}{{end}}`)
	f.Add(`{{if eq .list 3.0}}{{.a.b | upper}}{{else with .n}}{{printf "%d" .}}{{end}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := ParseStrict(text); err == nil {
			if got, err := p.Execute(numbers); len(got) > MaxText || err != nil && !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("strict: %d bytes, %v", len(got), err)
			}
		}
		p, err := Parse(text)
		if err != nil {
			if !errors.Is(err, fault.ErrInvalid) {
				t.Error(err)
			}
			return
		}
		if got, err := p.Execute(data); len(got) > MaxText || err != nil && !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	})
}

// TestTimeout has no time left.
func TestTimeout(t *testing.T) {
	p, err := Parse("{{.message}}")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := p.ExecuteWithin(data, -time.Second); !errors.Is(err, ErrTimeout) || !errors.Is(err, fault.ErrInvalid) {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := p.ExecuteWithin(data, time.Hour); err != nil || text != "node1 <down>" {
		t.Errorf("%q, %v", text, err)
	}
}
