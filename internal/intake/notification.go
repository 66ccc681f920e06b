package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// A group is the body of Alertmanager's webhook, version 4
// (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config), which
// Grafana's alerting sends too, with additional fields
// (https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/).
// Its alerts are decoded one by one, so that a malformed one is refused alone.
type group struct {
	alerts    []json.RawMessage
	fields    map[string]any // all fields but alerts
	truncated int64          // alerts that the sender omitted, and those beyond MaxAlerts
}

// alertmanager parses Alertmanager's webhook: one alert for each of its alerts, firing or
// resolved. A repetition, which Alertmanager sends at each repeat_interval and after each
// failed request, has the same idempotency key.
func (r reader) alertmanager() Source { return r.sourceOf(r.notification("Alertmanager")) }

// grafana parses the webhook of Grafana's alerting, and that of its older alerting.
func (r reader) grafana() Source { return r.sourceOf(r.notification("Grafana")) }

func (r reader) notification(sender string) func(http.Header, []byte) ([]Item, *Problem) {
	return func(header http.Header, body []byte) ([]Item, *Problem) {
		text, err := wiretext.ToUTF8(header.Get("Content-Type"), body)
		if err != nil {
			return nil, unreadableBody("%s", err)
		}
		g, err := readGroup(text)
		if err != nil {
			return nil, unreadableBody("invalid body of %s's webhook: %s", sender, wiretext.ErrorText(err))
		}
		if len(g.alerts) == 0 && g.truncated == 0 {
			if g.isSingle() {
				return []Item{{Alert: r.singleAlert(g)}}, nil
			}
			return nil, &Problem{Field: "alerts", Reason: NoAlerts, Message: fmt.Sprintf("no alerts in the body of %s's webhook", sender)}
		}
		all := make([]labeledItem, 0, len(g.alerts)+1)
		for i, one := range g.alerts {
			all = append(all, r.groupAlert(g, fmt.Sprintf("alerts[%d]", i), one))
		}
		items := r.group(all)
		if g.truncated > 0 {
			items = append(items, Item{Alert: r.truncatedAlert(g, items, sender)})
		}
		return items, nil
	}
}

// readGroup decodes a group, or a plain array of alerts.
func readGroup(text []byte) (group, error) {
	var g group
	g.fields = map[string]any{}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		if err := json.Unmarshal(text, &g.alerts); err != nil {
			return g, err
		}
		g.limit()
		return g, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return g, err
	}
	if alerts, ok := raw["alerts"]; ok {
		if err := json.Unmarshal(alerts, &g.alerts); err != nil {
			return g, fmt.Errorf("alerts: %w", err)
		}
		delete(raw, "alerts")
	}
	for name, value := range raw {
		decoded, err := wiretext.DecodeValue(value)
		if err != nil {
			return g, fmt.Errorf("%s: %w", truncate(singleLine(name), maxName), err)
		}
		g.fields[name] = decoded
	}
	if n, err := strconv.ParseFloat(g.text("truncatedAlerts"), 64); err == nil && n >= 1 {
		g.truncated = int64(min(n, 1e9))
	}
	g.limit()
	return g, nil
}

// limit truncates the alerts beyond MaxAlerts.
func (g *group) limit() {
	if beyond := len(g.alerts) - MaxAlerts; beyond > 0 {
		g.alerts, g.truncated = g.alerts[:MaxAlerts], g.truncated+int64(beyond)
	}
}

// text returns a field of the group as text.
func (g group) text(name string) string { return wiretext.TextOf(g.fields[name]) }

// messageCandidates returns the messages of the whole group, the best first.
func (g group) messageCandidates() []string {
	common, _ := g.fields["commonAnnotations"].(map[string]any)
	return []string{
		wiretext.TextOf(common["summary"]), wiretext.TextOf(common["message"]), wiretext.TextOf(common["description"]),
		strings.TrimSpace(g.text("title") + "\n" + g.text("message")),
	}
}

// commonLabels returns the common labels of the group's alerts, as text.
func (g group) commonLabels() string {
	for _, field := range []string{"commonLabels", "groupLabels"} {
		if labels, _ := g.fields[field].(map[string]any); len(labels) > 0 {
			return labelText(labels)
		}
	}
	return ""
}

// label returns a label or annotation of the group.
func (g group) label(name string) any {
	for _, field := range []string{"commonLabels", "groupLabels", "commonAnnotations"} {
		labels, _ := g.fields[field].(map[string]any)
		if value, ok := labels[name]; ok {
			return value
		}
	}
	return nil
}

// groupAlert returns one alert of a group.
func (r reader) groupAlert(g group, field string, raw []byte) labeledItem {
	one, err := wiretext.DecodeObject(raw)
	if err != nil {
		return labeledItem{Item: Item{Problem: &Problem{Field: field, Reason: UnreadableAlert, Message: truncate(singleLine(wiretext.ErrorText(err)), maxValue)}}}
	}
	labels, _ := one["labels"].(map[string]any)
	annotations, _ := one["annotations"].(map[string]any)
	own := func(name string) string { return wiretext.TextOf(one[name]) }
	note := func(name string) string { return wiretext.TextOf(annotations[name]) }
	word := firstNonBlank(stateOf(one["status"]), g.text("status"))
	status, usual := statusOf(word)
	d := draft{
		field:    field,
		targets:  targetsOf(firstValue(labels[r.TargetLabel], annotations[r.TargetLabel])),
		severity: firstNonBlank(wiretext.TextOf(labels[r.SeverityLabel]), note(r.SeverityLabel)),
		title:    firstNonBlank(wiretext.TextOf(labels["alertname"]), g.text("title")),
		messages: slices.Concat([]string{
			note("summary"), note("message"), note("description"), own("valueString"), wiretext.TextOf(labels["alertname"]),
		}, g.messageCandidates(), []string{labelText(labels), g.commonLabels()}),
		links:    []string{note("runbook_url"), own("panelURL"), own("dashboardURL"), own("generatorURL"), g.text("externalURL")},
		details:  r.labelDetails(labels),
		status:   status,
		resolved: "resolved: ",
	}
	if !usual {
		d.details = append([]Detail{{"status", word}}, d.details...)
	}
	if description := note("description"); description != "" {
		if i := slices.IndexFunc(d.messages, func(w string) bool { return strings.TrimSpace(w) != "" }); d.messages[i] != description {
			d.messages[i] += "\n" + description
		}
	}
	finger := fingerprint(own("fingerprint"), one, labels)
	d.keyParts, d.idempotencyParts = []string{finger}, []string{finger, "firing", own("startsAt")}
	if status == Resolved {
		d.idempotencyParts = []string{finger, "resolved", own("startsAt"), own("endsAt")}
	}
	return labeledItem{Item{Alert: r.normalize(d, one)}, labels}
}

// stateOf returns the word of a status: a string in Alertmanager's webhook, an object in
// its API.
func stateOf(status any) string {
	if object, ok := status.(map[string]any); ok {
		return wiretext.TextOf(object["state"])
	}
	return wiretext.TextOf(status)
}

// truncatedAlert returns the alert that reports truncated alerts. Its targets are those of
// the group, or else the default targets of the source, or else those of all alerts of the
// request.
func (r reader) truncatedAlert(g group, items []Item, sender string) Alert {
	noun := "alerts"
	if g.truncated == 1 {
		noun = "alert"
	}
	d := draft{
		field:            "truncatedAlerts",
		targets:          targetsOf(g.label(r.TargetLabel)),
		title:            "Alerts truncated",
		links:            []string{g.text("externalURL")},
		idempotencyParts: []string{"truncated", g.text("groupKey"), g.text("status"), fmt.Sprint(g.truncated)},
	}
	message := fmt.Sprintf("%d more %s of this group truncated: nobody is notified of them here. See %s.", g.truncated, noun, sender)
	if about := g.commonLabels(); about != "" {
		d.details = append(d.details, Detail{"group", about})
	}
	d.messages = []string{message}
	rank, everybody := job.Low, len(d.targets) == 0 && len(r.Target) == 0
	for _, item := range items {
		if item.Problem != nil {
			continue
		}
		if of := job.RankOf(item.Alert.Severity); d.severity == "" || of < rank {
			d.severity, rank = item.Alert.Severity, of
		}
		for _, t := range item.Alert.Targets {
			if everybody && len(d.targets) < maxTargets && !slices.Contains(d.targets, t) {
				d.targets = append(d.targets, t)
			}
		}
	}
	bare := r
	bare.script = nil // the templates apply to alerts of the source only
	a := bare.normalize(d, nil)
	a.problem(d.field, Truncated, "%s", message)
	return a
}
