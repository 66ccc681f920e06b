package messenger

import (
	"strings"
	"testing"
)

// markupText has characters that are Markdown, HTML or other markup. markupHTML is the
// same with its HTML characters escaped.
const (
	markupText = "*/5 * * * * _x_ ~y~ `z` <b>&"
	markupHTML = "*/5 * * * * _x_ ~y~ `z` &lt;b&gt;&amp;"
)

// markupShown sends markupText: requests make the provider show it literally.
func markupShown(t *testing.T, s sample) {
	m := s.message
	m.Text = markupText
	for form, pieces := range map[string][]string{"plain": s.shown.plain, "full": s.shown.full} {
		m.Title, m.Details = "", nil
		if form == "full" {
			m.Title, m.Details = "Disk", []Detail{{Name: "n", Value: "v"}}
		}
		request := string(wire(t, s, m, false))
		for _, piece := range pieces {
			if !strings.Contains(request, piece) {
				t.Errorf("%s: no %s in\n%s", form, piece, request)
			}
		}
	}
}
