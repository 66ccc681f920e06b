package intake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// A notification is the body of Alertmanager's webhook, version 4
// (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config), which
// Grafana's alerting sends too, with fields of its own
// (https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/).
type notification struct {
	Version     string
	GroupKey    string
	ExternalURL string
	Alerts      []struct {
		Status       string // firing, resolved
		Labels       map[string]string
		Annotations  map[string]string
		StartsAt     string
		EndsAt       string
		GeneratorURL string
		Fingerprint  string

		DashboardURL string // Grafana's
		PanelURL     string
		ValueString  string
	}
}

// alertmanager reads Alertmanager's webhook: an alert for each of its alerts, firing
// or resolved. One that is said again, as Alertmanager does at each repeat_interval
// and whenever it got no answer, has the same key: it is told once.
func (r reader) alertmanager() Source {
	return func(_ http.Header, body []byte) ([]Alert, error) { return r.notification(body, "Alertmanager") }
}

// grafana reads the webhook of Grafana's alerting.
func (r reader) grafana() Source {
	return func(_ http.Header, body []byte) ([]Alert, error) { return r.notification(body, "Grafana") }
}

func (r reader) notification(body []byte, sender string) ([]Alert, error) {
	var n notification
	if err := json.Unmarshal(body, &n); err != nil {
		return nil, fmt.Errorf("the body is not that of %s's webhook: %s: %w", sender, said(err), fault.ErrInvalid)
	}
	if len(n.Alerts) == 0 || len(n.Alerts) > maxAlerts {
		return nil, fmt.Errorf("alerts: there are %d: from 1 to %d are taken at once: %w", len(n.Alerts), maxAlerts, fault.ErrInvalid)
	}
	var whole struct{ Alerts []map[string]any }
	if err := json.Unmarshal(body, &whole); err != nil {
		return nil, fmt.Errorf("alerts: %s: %w", said(err), fault.ErrInvalid)
	}
	all := make([]Alert, 0, len(n.Alerts))
	for i, one := range n.Alerts {
		if one.Status != "firing" && one.Status != "resolved" {
			return nil, fmt.Errorf("alerts[%d].status is %q: it is firing or resolved: %w", i, cut(one.Status, maxSeverity), fault.ErrInvalid)
		}
		a := Alert{
			Targets:  targets(first(one.Labels[r.TargetLabel], one.Annotations[r.TargetLabel])),
			Severity: one.Labels[r.SeverityLabel],
			Title:    one.Labels["alertname"],
			Message:  first(one.Annotations["summary"], one.Annotations["message"], one.Annotations["description"], one.ValueString, one.Labels["alertname"]),
			Link:     first(one.Annotations["runbook_url"], one.PanelURL, one.DashboardURL, one.GeneratorURL, n.ExternalURL),
			Details:  r.details(one.Labels),
			Key:      strings.Join([]string{fingerprint(one.Fingerprint, one.Labels), one.Status, one.StartsAt}, " "),
		}
		if description := one.Annotations["description"]; description != "" && description != a.Message {
			a.Message += "\n" + description
		}
		if one.Status == "resolved" {
			a.Message, a.Severity, a.Key = "resolved: "+a.Message, first(r.Severity, "normal"), a.Key+" "+one.EndsAt
		}
		a, err := r.settle(a, whole.Alerts[i])
		if err != nil {
			return nil, fmt.Errorf("alerts[%d]: %w", i, err)
		}
		all = append(all, a)
	}
	return all, nil
}

// details are the labels, but for those that are said elsewhere, by name.
func (r reader) details(labels map[string]string) []Detail {
	var all []Detail
	for name, value := range labels {
		if name != "alertname" && name != r.TargetLabel && name != r.SeverityLabel {
			all = append(all, Detail{name, value})
		}
	}
	slices.SortFunc(all, func(a, b Detail) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// fingerprint is the sender's, or that of the labels where it sent none.
func fingerprint(given string, labels map[string]string) string {
	if given != "" {
		return given
	}
	text, _ := json.Marshal(labels) // by name
	return string(text)
}

// said is what is wrong with a JSON, without Go's names of things.
func said(err error) string {
	return strings.NewReplacer("json: ", "", "Go value of type ", "", "Go struct field ", "field ").Replace(err.Error())
}
