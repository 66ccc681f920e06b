package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/services/alert"
)

// An alertExtras has the optional fields of an alert, as they are stored in the column more.
// Most alerts have none, and an empty column.
type alertExtras struct {
	Title   string            `json:"title,omitempty"`
	Link    string            `json:"link,omitempty"`
	Details []job.Detail      `json:"details,omitempty"`
	Texts   map[string]string `json:"texts,omitempty"`

	Key      string `json:"key,omitempty"`
	Resolved bool   `json:"resolved,omitempty"`

	By       []string `json:"by,omitempty"`
	Callback string   `json:"callback,omitempty"`

	Acknowledged bool   `json:"acknowledged,omitempty"`
	Incident     int64  `json:"incident,omitempty"`
	Repeat       bool   `json:"repeat,omitempty"`
	Reply        bool   `json:"reply,omitempty"`
	Flapping     bool   `json:"flapping,omitempty"`
	Source       string `json:"source,omitempty"`
	Escalation   string `json:"escalation,omitempty"`
	Silence      int64  `json:"silence,omitempty"`
}

// encodeExtras returns the column of an alert.
func encodeExtras(a alert.Alert) string {
	if a.Title == "" && a.Link == "" && len(a.Details) == 0 && len(a.Texts) == 0 && a.AlertKey == "" && len(a.By) == 0 && a.Callback == "" && a.Source == "" && a.Silence == 0 {
		return ""
	}
	text, err := json.Marshal(alertExtras{
		Title: a.Title, Link: a.Link, Details: a.Details, Texts: a.Texts, Key: a.AlertKey, Resolved: a.Resolved, By: a.By, Callback: a.Callback,
		Acknowledged: a.Acknowledged, Incident: a.Incident, Repeat: a.Repeat, Reply: a.Reply, Flapping: a.Flapping,
		Source: a.Source, Escalation: a.Escalation, Silence: a.Silence,
	})
	if err != nil {
		panic(err) // strings can always be marshaled
	}
	return string(text)
}

// decodeExtras decodes the column into an alert.
func decodeExtras(text string, a *alert.Alert) error {
	if text == "" {
		return nil
	}
	var e alertExtras
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return fmt.Errorf("decode column more of alert %d: %w", a.ID, err)
	}
	a.Title, a.Link, a.Details, a.Texts = e.Title, e.Link, e.Details, e.Texts
	a.AlertKey, a.Resolved, a.By, a.Callback = e.Key, e.Resolved, e.By, e.Callback
	a.Acknowledged, a.Incident, a.Repeat, a.Reply, a.Flapping = e.Acknowledged, e.Incident, e.Repeat, e.Reply, e.Flapping
	a.Source, a.Escalation, a.Silence = e.Source, e.Escalation, e.Silence
	return nil
}
