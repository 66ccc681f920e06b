package messengertest

import (
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// MarkupText has characters that are Markdown, HTML or other markup. MarkupHTML is the
// same with its HTML characters escaped.
const (
	MarkupText = "*/5 * * * * _x_ ~y~ `z` <b>&"
	MarkupHTML = "*/5 * * * * _x_ ~y~ `z` &lt;b&gt;&amp;"
)

// markupShown sends MarkupText: requests make the provider show it literally.
func markupShown(t *testing.T, s Sample) {
	m := s.Message
	m.Text = MarkupText
	for form, pieces := range map[string][]string{"plain": s.Shown.Plain, "full": s.Shown.Full} {
		m.Title, m.Details = "", nil
		if form == "full" {
			m.Title, m.Details = "Disk", []messenger.Detail{{Name: "n", Value: "v"}}
		}
		request := string(Request(t, s, m, false))
		for _, piece := range pieces {
			if !strings.Contains(request, piece) {
				t.Errorf("%s: no %s in\n%s", form, piece, request)
			}
		}
	}
}
