package store

import (
	"encoding/json"

	"github.com/bongsu-project/bongsu/services/incident"
)

// noticeContent is the alert of a notice as it is stored, in JSON.
type noticeContent struct {
	Key      string          `json:"key"`
	Status   incident.Status `json:"status"`
	Targets  []string        `json:"targets"`
	By       []string        `json:"by,omitempty"`
	Severity string          `json:"severity"`
	Title    string          `json:"title,omitempty"`
	Message  string          `json:"message"`
	Link     string          `json:"link,omitempty"`
	Renotify bool            `json:"renotify,omitempty"`
}

func encodeNotice(n incident.Notice) (string, error) {
	text, err := json.Marshal(noticeContent{
		n.Key, n.Status, n.Targets, n.By, storable(n.Severity), storable(n.Title), storable(n.Message), storable(n.Link), n.Renotify,
	})
	return string(text), err
}

func decodeNotice(text string, n *incident.Notice) error {
	var c noticeContent
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	n.Key, n.Status, n.Targets, n.By, n.Severity, n.Title, n.Message, n.Link, n.Renotify =
		c.Key, c.Status, c.Targets, c.By, c.Severity, c.Title, c.Message, c.Link, c.Renotify
	return nil
}
