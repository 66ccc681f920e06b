package webhook

import (
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
)

// An event is the request body, in the form that Standard Webhooks recommends,
// with all fields of the alert.
type event struct {
	Type string    `json:"type"`
	Time time.Time `json:"timestamp,omitzero"` // of the alert
	Data eventData `json:"data"`
}

type eventData struct {
	DeliveryID string        `json:"deliveryId"`
	Severity   string        `json:"severity"`
	Text       string        `json:"text"`
	Key        string        `json:"key,omitempty"`
	Status     string        `json:"status,omitempty"`   // firing, acknowledged or resolved, with an alert key
	Incident   string        `json:"incident,omitempty"` // the same for all alerts of an incident
	AckURL     string        `json:"ackUrl,omitempty"`   // a page on which a person acknowledges the incident
	Title      string        `json:"title,omitempty"`
	Link       string        `json:"link,omitempty"`
	Details    []eventDetail `json:"details,omitempty"`
}

type eventDetail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func eventOf(m messenger.Message) event {
	e := event{Type: "alert", Time: m.Time.UTC(), Data: eventData{
		DeliveryID: strconv.FormatInt(m.DeliveryID, 10),
		Severity:   m.Severity,
		Text:       m.Text,
		Key:        job.DisplayKey(m.AlertKey),
		Status:     m.Status(),
		AckURL:     m.AckLink(),
		Title:      m.Title,
		Link:       m.Link,
	}}
	if m.Incident != 0 {
		e.Data.Incident = strconv.FormatInt(m.Incident, 10)
	}
	for _, d := range m.Details {
		e.Data.Details = append(e.Data.Details, eventDetail(d))
	}
	return e
}
