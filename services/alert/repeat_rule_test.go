package alert_test

import (
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestNextIncidentStep checks the effect of an alert on an incident in each state.
func TestNextIncidentStep(t *testing.T) {
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	open := alert.IncidentState{Incident: 1, Rank: job.High, Digest: "a", UpdateTime: start}
	resolved := alert.IncidentState{Incident: 1, Resolved: true, Rank: job.High, Digest: "a", UpdateTime: start.Add(-time.Hour), ResolveTime: start}
	again := resolved
	again.ReopenCount = 1
	reopened := open
	reopened.ResolveTime, reopened.ReopenCount = start.Add(-time.Minute), 1
	repeat := alert.IncidentStep{Kind: alert.IncidentRepeated}
	update := alert.IncidentStep{Kind: alert.IncidentUpdated}
	reply := alert.IncidentStep{Kind: alert.IncidentUpdated, Reply: true}
	opened := alert.IncidentStep{Kind: alert.IncidentOpened}
	for name, c := range map[string]struct {
		state  alert.IncidentState
		after  time.Duration
		change func(a *alert.Alert)
		want   alert.IncidentStep
	}{
		"no incident":                   {alert.IncidentState{}, 0, nil, opened},
		"unchanged":                     {open, time.Hour, nil, repeat},
		"just before repeat-after":      {open, 4*time.Hour - 1, nil, repeat},
		"at repeat-after":               {open, 4 * time.Hour, nil, reply},
		"before the update, by clock":   {open, -time.Minute, nil, repeat},
		"less severe":                   {open, time.Hour, func(a *alert.Alert) { a.Severity = "low" }, repeat},
		"more severe":                   {open, time.Hour, func(a *alert.Alert) { a.Severity = "critical" }, reply},
		"more severe by its rank name":  {open, time.Hour, func(a *alert.Alert) { a.Severity, a.RankName = "disaster", "critical" }, reply},
		"changed":                       {open, time.Hour, func(a *alert.Alert) { a.Policy.Digest = "b" }, update},
		"changed, at repeat-after":      {open, 4 * time.Hour, func(a *alert.Alert) { a.Policy.Digest = "b" }, update},
		"changed and more severe":       {open, 0, func(a *alert.Alert) { a.Policy.Digest, a.Severity = "b", "critical" }, reply},
		"to renotify":                   {open, 0, func(a *alert.Alert) { a.Policy.Renotify = true }, reply},
		"changed, to renotify":          {open, 0, func(a *alert.Alert) { a.Policy.Digest, a.Policy.Renotify = "b", true }, reply},
		"without repeats":               {open, 0, func(a *alert.Alert) { a.Policy.RepeatAfter = 0 }, reply},
		"resolved":                      {open, 0, func(a *alert.Alert) { a.Resolved = true }, alert.IncidentStep{Kind: alert.IncidentResolved}},
		"resolved twice":                {resolved, 0, func(a *alert.Alert) { a.Resolved = true }, alert.IncidentStep{Kind: alert.IncidentResolved}},
		"acknowledged":                  {open, 0, func(a *alert.Alert) { a.Acknowledged = true }, alert.IncidentStep{Kind: alert.IncidentAcknowledged}},
		"unchanged since a reopening":   {reopened, time.Minute, nil, repeat},
		"firing again":                  {resolved, 10*time.Minute - 1, nil, alert.IncidentStep{Kind: alert.IncidentReopened, Reply: true, Flapping: true}},
		"firing a third time":           {again, time.Minute, nil, alert.IncidentStep{Kind: alert.IncidentReopened, Reply: true}},
		"firing after the flap window":  {resolved, 10 * time.Minute, nil, opened},
		"firing without a flap window":  {resolved, 0, func(a *alert.Alert) { a.Policy.FlapWindow = 0 }, opened},
		"firing before the resolution":  {resolved, -time.Minute, nil, alert.IncidentStep{Kind: alert.IncidentReopened, Reply: true, Flapping: true}},
		"to renotify in a new incident": {alert.IncidentState{}, 0, func(a *alert.Alert) { a.Policy.Renotify = true }, opened},
	} {
		a := alert.Alert{
			Severity: "high", CreateTime: start.Add(c.after),
			Policy: alert.IncidentPolicy{RepeatAfter: 4 * time.Hour, FlapWindow: 10 * time.Minute, Digest: "a"},
		}
		if c.change != nil {
			c.change(&a)
		}
		if got := alert.NextIncidentStep(c.state, a); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

// TestIncidentTexts checks the texts of alerts by their status.
func TestIncidentTexts(t *testing.T) {
	for want, a := range map[string]alert.Alert{
		"[high] m":               {Message: "m"},
		"[high] resolved: m":     {Message: "m", Resolved: true, Flapping: true},
		"[high] Resolved: it":    {Message: "Resolved: it", Resolved: true},
		"[high] acknowledged: m": {Message: "m", Acknowledged: true},
		"[high] flapping: m":     {Message: "m", Flapping: true},
		"[high] Flapping: m":     {Message: "Flapping: m", Flapping: true},
		"[high] flapping":        {Message: "flapping"},
	} {
		a.Severity = "high"
		if got := a.Text(); got != want {
			t.Errorf("text is %q, want %q", got, want)
		}
	}
}
