package pagerduty

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// An event triggers an alert, acknowledges it, or resolves it.
type event struct {
	RoutingKey string  `json:"routing_key"`
	Action     string  `json:"event_action"`
	DedupKey   string  `json:"dedup_key"`
	Payload    payload `json:"payload"`
	Links      []link  `json:"links,omitempty"`
}

type payload struct {
	Summary  string        `json:"summary"`
	Source   string        `json:"source"`
	Severity string        `json:"severity"`
	Time     time.Time     `json:"timestamp,omitzero"`
	Details  customDetails `json:"custom_details,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text,omitempty"`
}

func eventOf(m messenger.Message) event {
	var details customDetails
	summary, cut := messenger.Truncate(m.Text, summaryLimit, utf8.RuneCountInString)
	if m.Title != "" {
		details = append(details, messenger.Detail{Name: "title", Value: m.Title})
	}
	if cut {
		details = append(details, messenger.Detail{Name: "message", Value: m.Text})
	}
	var links []link
	if m.Link != "" {
		links = append(links, link{Href: m.Link, Text: m.Title})
	}
	if ack := m.AckLink(); ack != "" {
		links = append(links, link{Href: ack, Text: messenger.AckLabel + " in Bongsu"})
	}
	return event{
		RoutingKey: m.Credential,
		Action:     actionOf(m),
		DedupKey:   dedupKey(m),
		Payload: payload{
			Summary:  summary,
			Source:   cmp.Or(m.Destination, "bongsu"),
			Severity: severityOf(m.Severity, m.Rank()),
			Time:     m.Time.UTC(),
			Details:  append(details, m.Details...),
		},
		Links: links,
	}
}

// actionOf returns the action of an event. A trigger after an acknowledge is added to the
// incident, which stays acknowledged.
func actionOf(m messenger.Message) string {
	switch {
	case m.Resolved:
		return "resolve"
	case m.Acknowledged:
		return "acknowledge"
	default:
		return "trigger"
	}
}

// dedupKey returns the dedup_key by which PagerDuty deduplicates events, at
// most 255 characters (https://developer.pagerduty.com/docs/events-api-v2-overview):
// the same for all events of one alert key under one integration key; without an alert
// key, that of the delivery.
func dedupKey(m messenger.Message) string {
	if m.AlertKey == "" {
		return m.IdempotencyHandle()
	}
	sum := sha256.Sum256([]byte(m.Credential + "\x00" + m.AlertKey))
	return "bongsu-key-" + hex.EncodeToString(sum[:])
}

// customDetails is encoded as an object with its fields in the order of the details.
// Details with the same name are one field, with their values joined.
type customDetails []messenger.Detail

// MarshalJSON returns the object.
func (all customDetails) MarshalJSON() ([]byte, error) {
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
		object = slices.Concat(object, call.JSON(name), []byte(":"), call.JSON(values[name]))
	}
	return append(object, '}'), nil
}

// severities are PagerDuty's severities, by rank
// (https://developer.pagerduty.com/docs/send-alert-event).
var severities = [...]string{job.Critical: "critical", job.High: "error", job.Normal: "warning", job.Low: "info"}

// severityOf returns PagerDuty's severity: severity itself if it is one of them,
// else that of its rank.
func severityOf(severity string, rank job.Rank) string {
	if word := strings.ToLower(severity); slices.Contains(severities[:], word) {
		return word
	}
	return severities[rank]
}
