package alert_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/quiethours"
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// quiet sets the quiet hours of a user: from 09:00 to 15:00 UTC, in which the harness begins.
func (h *serviceHarness) quiet(t *testing.T, nickname, minSeverity string) {
	t.Helper()
	_, err := h.users.UpdateUser(t.Context(), &userv1.UpdateUserRequest{NickName: nickname, QuietHours: &userv1.QuietHours{
		Intervals:   []*userv1.TimeInterval{{Times: []*userv1.TimeRange{{StartTime: "09:00", EndTime: "15:00"}}}},
		TimeZone:    "UTC",
		MinSeverity: minSeverity,
	}})
	must(t, err)
}

// sendRequest sends an alert and returns its id.
func (h *serviceHarness) sendRequest(t *testing.T, req *alertv1.SendAlertRequest) string {
	t.Helper()
	req.Message = "m"
	res, err := h.alerts.SendAlert(t.Context(), req)
	must(t, err)
	return res.GetId()
}

// holds returns the deliveries of an alert by slack and sms, each with its hold.
func (h *serviceHarness) holds(t *testing.T, id string) (all []string) {
	t.Helper()
	res, err := h.alerts.GetAlert(t.Context(), &alertv1.GetAlertRequest{Id: id})
	must(t, err)
	for _, d := range res.GetDeliveries() {
		if d.GetMessenger() == "pigeon" {
			continue
		}
		line := d.GetNickName() + " " + d.GetMessenger()
		if d.GetHold() != "" {
			line += fmt.Sprint(" ", d.GetHold(), " until ", d.GetNextAttemptTime().AsTime().Format("15:04"))
		}
		all = append(all, line)
	}
	return all
}

// TestQuietHours checks which alerts are held back until the end of the quiet hours.
func TestQuietHours(t *testing.T) {
	const held = " quiet_hours until 15:00"
	for _, c := range []struct {
		name        string
		minSeverity string
		severity    string
		at          time.Duration // after 10:00
		want        []string
	}{
		{"normal", "", "normal", 0, []string{"kim slack" + held, "kim sms" + held, "one slack"}},
		{"another word for normal", "", "warning", 0, []string{"kim slack" + held, "kim sms" + held, "one slack"}},
		{"high", "", "high", 0, []string{"kim slack" + held, "kim sms" + held, "one slack"}},
		{"high gets through", "high", "error", 0, []string{"kim slack", "kim sms", "one slack"}},
		{"critical gets through", "", "critical", 0, []string{"kim slack", "kim sms", "one slack"}},
		{"another word for critical", "", "page", 0, []string{"kim slack", "kim sms", "one slack"}},
		{"before the end", "", "low", 5*time.Hour - 1, []string{"kim slack" + held, "kim sms" + held, "one slack"}},
		{"at the end", "", "low", 5 * time.Hour, []string{"kim slack", "kim sms", "one slack"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newServiceHarness(t)
			h.quiet(t, "kim", c.minSeverity)
			h.now = h.now.Add(c.at)
			id := h.sendRequest(t, &alertv1.SendAlertRequest{Target: []string{"@kim", "@one"}, Severity: c.severity})
			kittest.Equal(t, h.holds(t, id), c.want)
		})
	}
}

// TestQuietHoursFailover checks that the failover delays of a user begin when the quiet hours end.
func TestQuietHoursFailover(t *testing.T) {
	h := newServiceHarness(t)
	h.quiet(t, "lee", "")
	id := h.sendRequest(t, &alertv1.SendAlertRequest{Target: []string{"@lee"}})
	kittest.Equal(t, h.holds(t, id), []string{"lee sms quiet_hours until 15:00", "lee slack quiet_hours until 15:01"})
	h.now = h.now.Add(5 * time.Hour)
	kittest.Equal(t, h.dueMessengers(t), []string{"sms"})
}

// TestQuietHoursTimeToLive checks that the time to live begins when the quiet hours end.
func TestQuietHoursTimeToLive(t *testing.T) {
	h := newServiceHarness(t)
	h.quiet(t, "kim", "")
	h.quiet(t, "lee", "")
	rule := alert.NewVerdictRule(specs)
	short := h.sendRequest(t, &alertv1.SendAlertRequest{Target: []string{"@kim", "@lee"}, Ttl: durationpb.New(time.Hour)})
	for _, c := range []struct {
		after   time.Duration
		expired int
	}{{6*time.Hour - 1, 0}, {6 * time.Hour, 4}} {
		now := h.now.Add(c.after)
		n, err := h.ledger.Sweep(t.Context(), now, 100, rule)
		must(t, err)
		kittest.Equal(t, n, c.expired)
	}
	h.requireDeliveries(t, short, "kim slack expired expired", "kim pigeon failed unknown_messenger", "kim sms expired expired",
		"lee sms expired expired", "lee slack expired expired")
}

// TestQuietHoursDigest checks that alerts that were held back are one message when the quiet hours
// end, and that of one thing only the last one is in it.
func TestQuietHoursDigest(t *testing.T) {
	h := newServiceHarness(t)
	h.quiet(t, "lee", "")
	send := func(key, severity, message string, status alertv1.AlertStatus) {
		t.Helper()
		_, err := h.alerts.SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@lee"}, By: []string{"sms"}, Key: key, Severity: severity, Message: message, Status: status})
		must(t, err)
		h.now = h.now.Add(time.Minute)
	}
	const firing, resolved = alertv1.AlertStatus_ALERT_STATUS_FIRING, alertv1.AlertStatus_ALERT_STATUS_RESOLVED
	send("", "normal", "backup is late", firing)
	send("disk", "normal", "80 % full", firing)
	send("disk", "high", "90 % full", firing)
	send("load", "normal", "load is high", firing)
	send("load", "normal", "load is low", resolved)
	h.now = time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC)
	jobs, err := h.ledger.TakeDue(t.Context(), h.now, h.now.Add(10*time.Minute), 0, 100, 5)
	must(t, err)
	kittest.Equal(t, len(jobs), 1)
	kittest.Equal(t, jobs[0].Content.DigestLines, []string{"[high] 90 % full", "[normal] backup is late"})
}

// TestQuietHoursGetThrough checks that a critical alert does not wait for a less urgent one of the
// same thing that is held back.
func TestQuietHoursGetThrough(t *testing.T) {
	h := newServiceHarness(t)
	h.quiet(t, "kim", "")
	low := h.sendRequest(t, &alertv1.SendAlertRequest{Target: []string{"@kim"}, By: []string{"slack"}, Key: "disk", Severity: "normal"})
	critical := h.sendRequest(t, &alertv1.SendAlertRequest{Target: []string{"@kim"}, By: []string{"slack"}, Key: "disk", Severity: "critical"})
	h.requireDeliveries(t, low, "kim slack canceled superseded")
	h.requireDeliveries(t, critical, "kim slack queued")
	kittest.Equal(t, h.dueMessengers(t), []string{"slack"})
}

// TestQuietHoursUnknown checks that an alert is sent at once if the quiet hours cannot be parsed
// here: the directory may know a time zone that the alert service does not.
func TestQuietHoursUnknown(t *testing.T) {
	h := newServiceHarness(t)
	h.alerts.Directory = directoryOf(alert.Recipient{Nickname: "kim", Messenger: "slack", Destination: "C1", QuietHours: &quiethours.Hours{
		Intervals: []quiethours.Interval{{Weekdays: []string{"monday:saturday"}}}, TimeZone: "Mars/Olympus",
	}})
	kittest.Equal(t, h.holds(t, h.sendRequest(t, &alertv1.SendAlertRequest{Target: []string{"@kim"}})), []string{"kim slack"})
}

// A directoryOf is a directory in which every target is the same recipient.
type directoryOf alert.Recipient

func (d directoryOf) LookUp(context.Context, target.List) (alert.LookupResult, error) {
	return alert.LookupResult{Recipients: []alert.Recipient{alert.Recipient(d)}}, nil
}
