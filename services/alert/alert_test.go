package alert_test

import (
	"testing"

	"github.com/bongsu-project/bongsu/services/alert"
)

// TestTextOfAResolvedAlert checks that the text of a resolved alert is marked once.
func TestTextOfAResolvedAlert(t *testing.T) {
	for _, c := range []struct {
		message  string
		resolved bool
		want     string
	}{
		{"node1 down", false, "[high] node1 down"},
		{"node1 down", true, "[high] resolved: node1 down"},
		{"resolved: node1 down", true, "[high] resolved: node1 down"},
		{"Resolved: node1 down", true, "[high] Resolved: node1 down"},
		{"resolved: node1 down", false, "[high] resolved: node1 down"},
		{"resolv", true, "[high] resolved: resolv"},
		{"봉수", true, "[high] resolved: 봉수"},
	} {
		a := alert.Alert{Severity: "high", Message: c.message, AlertKey: "k", Resolved: c.resolved}
		if got := a.Text(); got != c.want {
			t.Errorf("%q: %q, want %q", c.message, got, c.want)
		}
		if got := a.Content("slack"); got.Text != c.want || got.AlertKey != "k" || got.Resolved != c.resolved {
			t.Errorf("%q: %+v", c.message, got)
		}
	}
}
