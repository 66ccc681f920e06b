package intake

import "strings"

// bare reports whether the group has no alerts but is a notification itself, such as one
// of Grafana's older alerting or a test message.
func (g group) bare() bool {
	return first(g.text("title"), g.text("message"), g.text("ruleName")) != ""
}

// bareAlert returns the single alert of a group without alerts
// (https://grafana.com/docs/grafana/v8.4/alerting/old-alerting/notifications/#webhook).
func (r reader) bareAlert(g group) Alert {
	tags, _ := g.fields["tags"].(map[string]any)
	word := first(g.text("state"), g.text("status"))
	status, _ := statusOf(word)
	rule := first(g.text("ruleId"), g.text("ruleName"), g.text("title"))
	d := draft{
		targets:  targetsOf(firstValue(tags[r.TargetLabel], g.label(r.TargetLabel))),
		severity: first(textOf(tags[r.SeverityLabel]), textOf(g.label(r.SeverityLabel))),
		title:    first(g.text("ruleName"), g.text("title")),
		words:    []string{g.text("message"), g.text("title"), g.text("ruleName")},
		links:    []string{g.text("ruleUrl"), g.text("externalURL")},
		details:  r.labelDetails(tags),
		about:    []string{"rule", rule},
		same:     []string{"rule", rule, word, strings.Join(g.words(), "\n"), textOf(g.fields["evalMatches"])},
		status:   status,
		resolved: "resolved: ",
	}
	if word != "" {
		d.details = append([]Detail{{"state", word}}, d.details...)
	}
	return r.settle(d, g.fields)
}
