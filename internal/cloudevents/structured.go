package cloudevents

import (
	"encoding/json"
	"fmt"
	"time"
)

// Attributes are the attributes of an event that is written.
type Attributes struct {
	ID, Source, Type string
	Subject          string    // empty for none
	Time             time.Time // zero for none
}

// Structured returns an event in the JSON format. data is JSON, which is written byte for
// byte; nil for none. It returns an error if data is not JSON.
func Structured(a Attributes, data []byte) ([]byte, error) {
	head := struct {
		Version string     `json:"specversion"`
		ID      string     `json:"id"`
		Source  string     `json:"source"`
		Type    string     `json:"type"`
		Subject string     `json:"subject,omitempty"`
		Time    *time.Time `json:"time,omitempty"`
		Content string     `json:"datacontenttype,omitempty"`
	}{Version: "1.0", ID: a.ID, Source: a.Source, Type: a.Type, Subject: a.Subject}
	if !a.Time.IsZero() {
		utc := a.Time.UTC()
		head.Time = &utc
	}
	if data != nil {
		if !json.Valid(data) {
			return nil, fmt.Errorf("data of event %q is not JSON", a.ID)
		}
		head.Content = "application/json"
	}
	text, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	if data == nil {
		return text, nil
	}
	// Not as a json.RawMessage: the encoder would compact and escape it.
	text = append(text[:len(text)-1], `,"data":`...)
	text = append(text, data...)
	return append(text, '}'), nil
}
