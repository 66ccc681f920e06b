package messenger

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/job"
)

// A pagerDutyTrigger is an event that triggers an alert, or resolves it.
type pagerDutyTrigger struct {
	RoutingKey string           `json:"routing_key"`
	Action     string           `json:"event_action"`
	DedupKey   string           `json:"dedup_key"`
	Payload    pagerDutyPayload `json:"payload"`
	Links      []pagerDutyLink  `json:"links,omitempty"`
}

type pagerDutyPayload struct {
	Summary  string           `json:"summary"`
	Source   string           `json:"source"`
	Severity string           `json:"severity"`
	Time     time.Time        `json:"timestamp,omitzero"`
	Details  pagerDutyDetails `json:"custom_details,omitempty"`
}

type pagerDutyLink struct {
	Href string `json:"href"`
	Text string `json:"text,omitempty"`
}

func pagerDutyEventOf(m Message) pagerDutyTrigger {
	var details pagerDutyDetails
	summary, cut := truncate(m.Text, pagerDutySummary, utf8.RuneCountInString)
	if m.Title != "" {
		details = append(details, Detail{Name: "title", Value: m.Title})
	}
	if cut {
		details = append(details, Detail{Name: "message", Value: m.Text})
	}
	var links []pagerDutyLink
	if m.Link != "" {
		links = []pagerDutyLink{{Href: m.Link, Text: m.Title}}
	}
	action := "trigger"
	if m.Resolved {
		action = "resolve"
	}
	return pagerDutyTrigger{
		RoutingKey: m.Credential,
		Action:     action,
		DedupKey:   pagerDutyDedupKey(m),
		Payload: pagerDutyPayload{
			Summary:  summary,
			Source:   cmp.Or(m.Destination, "bongsu"),
			Severity: pagerDutySeverity(m.Severity, m.rank()),
			Time:     m.Time.UTC(),
			Details:  append(details, m.Details...),
		},
		Links: links,
	}
}

// pagerDutyDedupKey returns the dedup_key by which PagerDuty deduplicates events, at
// most 255 characters (https://developer.pagerduty.com/docs/events-api-v2-overview):
// the same for all events of one alert key under one integration key; without an alert
// key, that of the delivery.
func pagerDutyDedupKey(m Message) string {
	if m.AlertKey == "" {
		return m.idempotencyHandle()
	}
	sum := sha256.Sum256([]byte(m.Credential + "\x00" + m.AlertKey))
	return "bongsu-key-" + hex.EncodeToString(sum[:])
}

// pagerDutyDetails is encoded as an object with its fields in the order of the details.
// Details with the same name are one field, with their values joined.
type pagerDutyDetails []Detail

// MarshalJSON returns the object.
func (all pagerDutyDetails) MarshalJSON() ([]byte, error) {
	var names []string
	values := map[string]string{}
	for _, d := range all {
		if value, again := values[d.Name]; again {
			values[d.Name] = value + ", " + d.Value
			continue
		}
		names, values[d.Name] = append(names, d.Name), d.Value
	}
	object := []byte("{")
	for i, name := range names {
		if i > 0 {
			object = append(object, ',')
		}
		object = slices.Concat(object, marshal(name), []byte(":"), marshal(values[name]))
	}
	return append(object, '}'), nil
}

// pagerDutyWords are PagerDuty's severities, by rank
// (https://developer.pagerduty.com/docs/send-alert-event).
var pagerDutyWords = [...]string{job.Critical: "critical", job.High: "error", job.Normal: "warning", job.Low: "info"}

// pagerDutySeverity returns PagerDuty's severity: severity itself if it is one of them,
// else that of its rank.
func pagerDutySeverity(severity string, rank job.Rank) string {
	if word := strings.ToLower(severity); slices.Contains(pagerDutyWords[:], word) {
		return word
	}
	return pagerDutyWords[rank]
}
