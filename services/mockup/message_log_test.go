package mockup

import (
	"strconv"
	"testing"
)

func TestMessageLogDropsTheOldest(t *testing.T) {
	m := New(nil)
	for i := range maxMessages + 10 {
		m.addMessage(Message{Provider: "slack", Destination: "C1", ID: strconv.Itoa(i), Text: "x"})()
	}
	m.addMessage(Message{Provider: "slack", Destination: "C1", ID: "20", Text: "not again"})()
	_, dropped := m.findMessage("slack", "C1", "9")
	oldest, ok := m.findMessage("slack", "C1", "20")
	if all := m.Messages("slack", "C1"); len(all) != maxMessages || all[0].ID != "10" || dropped || !ok || oldest.Text != "x" {
		t.Errorf("%d messages from %s, dropped %v, oldest %v", len(all), all[0].ID, dropped, oldest)
	}
}
