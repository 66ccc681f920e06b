package messenger

import (
	"strings"
	"testing"
)

// TestSignsAreShown sends characters that are Markdown, HTML or other markup: requests
// make each provider show them literally.
func TestSignsAreShown(t *testing.T) {
	const text = "*/5 * * * * _x_ ~y~ `z` <b>&"
	const html = "*/5 * * * * _x_ ~y~ `z` &lt;b&gt;&amp;"
	discord := `\\*/5 \\* \\* \\* \\* \\_x\\_ \\~y\\~ \\` + "`z\\\\`" + ` \\<b>&`
	for name, want := range map[string]struct{ plain, full []string }{
		"slack":      {[]string{html, `"mrkdwn":false`}, []string{`"type":"plain_text","text":"` + text + `","emoji":false`, `"mrkdwn":false`}},
		"slackhook":  {[]string{html, `"mrkdwn":false`}, []string{`"type":"plain_text","text":"` + text + `","emoji":false`}},
		"discord":    {[]string{discord}, []string{discord}},
		"discordbot": {[]string{discord}, []string{discord}},
		"telegram":   {[]string{`"text":"` + text + `"}`}, []string{html, `"parse_mode":"HTML"`}},
		"teams":      {[]string{`{"type":"TextRun","text":"` + text + `"}`}, []string{`{"type":"TextRun","text":"` + text + `"}`}},
		"ntfy":       {[]string{"\n\n" + text}, []string{"\n\n" + text}}, // no Markdown without the header
		"pagerduty":  {[]string{`"summary":"` + text + `"`}, nil},
		"webhook":    {[]string{`"text":"` + text + `"`}, []string{`"text":"` + text + `"`}},
	} {
		t.Run(name, func(t *testing.T) {
			m := samples[name].message
			m.Text = text
			for form, pieces := range map[string][]string{"plain": want.plain, "full": want.full} {
				if form == "full" {
					m.Title, m.Details = "Disk", []Detail{{Name: "n", Value: "v"}}
				}
				request := string(wire(t, name, m, false))
				for _, piece := range pieces {
					if !strings.Contains(request, piece) {
						t.Errorf("%s: no %s in\n%s", form, piece, request)
					}
				}
				m.Title, m.Details = "", nil
			}
		})
	}
}
