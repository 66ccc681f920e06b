package messenger

import (
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
)

// A webhookEvent is the request body, in the form that Standard Webhooks recommends,
// with all fields of the alert.
type webhookEvent struct {
	Type string      `json:"type"`
	Time time.Time   `json:"timestamp,omitzero"` // of the alert
	Data webhookData `json:"data"`
}

type webhookData struct {
	DeliveryID string          `json:"deliveryId"`
	Severity   string          `json:"severity"`
	Text       string          `json:"text"`
	Key        string          `json:"key,omitempty"`
	Status     string          `json:"status,omitempty"` // firing or resolved, with an alert key
	Title      string          `json:"title,omitempty"`
	Link       string          `json:"link,omitempty"`
	Details    []webhookDetail `json:"details,omitempty"`
}

type webhookDetail struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func webhookEventOf(m Message) webhookEvent {
	e := webhookEvent{Type: "alert", Time: m.Time.UTC(), Data: webhookData{
		DeliveryID: strconv.FormatInt(m.DeliveryID, 10),
		Severity:   m.Severity,
		Text:       m.Text,
		Key:        job.DisplayKey(m.AlertKey),
		Status:     m.status(),
		Title:      m.Title,
		Link:       m.Link,
	}}
	for _, d := range m.Details {
		e.Data.Details = append(e.Data.Details, webhookDetail(d))
	}
	return e
}
