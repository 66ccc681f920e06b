package intake

import (
	"strings"

	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// isSingle reports whether the group has no alerts but is a notification itself, such as one
// of Grafana's older alerting or a test message.
func (g group) isSingle() bool {
	return firstNonBlank(g.text("title"), g.text("message"), g.text("ruleName")) != ""
}

// singleAlert returns the single alert of a group without alerts
// (https://grafana.com/docs/grafana/v8.4/alerting/old-alerting/notifications/#webhook).
func (r reader) singleAlert(g group) Alert {
	tags, _ := g.fields["tags"].(map[string]any)
	word := firstNonBlank(g.text("state"), g.text("status"))
	status, _ := statusOf(word)
	rule := firstNonBlank(g.text("ruleId"), g.text("ruleName"), g.text("title"))
	d := draft{
		targets:          targetsOf(firstValue(tags[r.TargetLabel], g.label(r.TargetLabel))),
		severity:         firstNonBlank(wiretext.TextOf(tags[r.SeverityLabel]), wiretext.TextOf(g.label(r.SeverityLabel))),
		title:            firstNonBlank(g.text("ruleName"), g.text("title")),
		messages:         []string{g.text("message"), g.text("title"), g.text("ruleName")},
		links:            []string{g.text("ruleUrl"), g.text("externalURL")},
		details:          r.labelDetails(tags),
		keyParts:         []string{"rule", rule},
		idempotencyParts: []string{"rule", rule, word, strings.Join(g.messageCandidates(), "\n"), wiretext.TextOf(g.fields["evalMatches"])},
		status:           status,
		resolved:         "resolved: ",
	}
	if word != "" {
		d.details = append([]Detail{{"state", word}}, d.details...)
	}
	return r.normalize(d, g.fields)
}
