package cli

import (
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
)

func TestSplitSend(t *testing.T) {
	for _, test := range []struct {
		args    []string
		targets []string
		message string
		refused bool
	}{
		{args: []string{"@user1", "@@test-team2", "node1 down"}, targets: []string{"@user1", "@@test-team2"}, message: "node1 down"},
		{args: []string{"@all", "-"}, targets: []string{"@all"}, message: "-"},
		{args: []string{"@a b", " @c"}, targets: []string{"@a b"}, message: " @c"},
		{args: nil, refused: true},
		{args: []string{"node1 down"}, refused: true},
		{args: []string{"@user1"}, refused: true},
		{args: []string{"@user1", "@user2"}, refused: true},
		{args: []string{"@user1", "node1", "down"}, refused: true},
		{args: []string{"@user1", ""}, refused: true},
		{args: []string{"", "@user1", "down"}, refused: true},
	} {
		targets, message, err := splitSend(test.args)
		if (err != nil) != test.refused || !slices.Equal(targets, test.targets) || message != test.message {
			t.Errorf("splitSend(%q) is %q, %q, %v", test.args, targets, message, err)
		}
	}
}

func TestMoment(t *testing.T) {
	con, _ := newConsole() // 2026-09-02 12:00 in a zone nine hours east
	for text, want := range map[string]string{
		"90m":                       "2026-09-02T10:30:00+09:00",
		"0s":                        "2026-09-02T12:00:00+09:00",
		"7d":                        "2026-08-26T12:00:00+09:00",
		"2026-09-01":                "2026-09-01T00:00:00+09:00",
		"2026-09-01 14:30":          "2026-09-01T14:30:00+09:00",
		"2026-09-01 14:30:05":       "2026-09-01T14:30:05+09:00",
		"2026-09-01T14:30:00Z":      "2026-09-01T14:30:00Z",
		"2026-09-01T14:30:00-04:00": "2026-09-01T14:30:00-04:00",
	} {
		got, ok := parseTime(text, con.Now(), con.Zone)
		if !ok || got.Format(time.RFC3339) != want {
			t.Errorf("moment(%q) is %s, %t; want %s", text, got.Format(time.RFC3339), ok, want)
		}
	}
	for _, text := range []string{"", "d", "-1h", "-1d", "1.5d", "1", "yesterday", "2026-13-01", "99999999d"} {
		if got, ok := parseTime(text, con.Now(), con.Zone); ok {
			t.Errorf("moment(%q) is %s", text, got)
		}
	}
}

// TestListRequest checks that each filter is set in its field of the request.
func TestListRequest(t *testing.T) {
	con, _ := newConsole()
	got, err := alertList{Severity: "critical", State: "failed", User: "@user1", Since: "1h", Until: "2026-09-02"}.request(con)
	want := &alertv1.ListAlertsRequest{
		Severity:         "critical",
		State:            alertv1.DeliveryState_DELIVERY_STATE_FAILED,
		NickName:         "user1",
		CreateTimeFrom:   timestamppb.New(time.Date(2026, 9, 2, 2, 0, 0, 0, time.UTC)),
		CreateTimeBefore: timestamppb.New(time.Date(2026, 9, 1, 15, 0, 0, 0, time.UTC)),
	}
	if err != nil || !proto.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	got, err = alertList{}.request(con)
	if err != nil || !proto.Equal(got, &alertv1.ListAlertsRequest{}) {
		t.Errorf("without filters: %v, %v", got, err)
	}
}

func TestTally(t *testing.T) {
	for _, test := range []struct {
		counts *alertv1.DeliveryCounts
		want   string
	}{
		{nil, "none"},
		{&alertv1.DeliveryCounts{Sent: 3}, "3 sent"},
		{&alertv1.DeliveryCounts{Queued: 1, Held: 6, Sent: 2, Failed: 3, Expired: 4, Canceled: 5}, "1 queued, 6 held, 2 sent, 3 failed, 4 expired, 5 canceled"},
	} {
		if got := countsLine(test.counts); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// TestAllNotified checks that one sent delivery of a failover chain is enough, and that
// deliveries outside of chains must all be sent.
func TestAllNotified(t *testing.T) {
	of := func(chain string, state alertv1.DeliveryState) *alertv1.Delivery {
		return &alertv1.Delivery{Chain: chain, State: state}
	}
	const sent, failed, canceled = alertv1.DeliveryState_DELIVERY_STATE_SENT, alertv1.DeliveryState_DELIVERY_STATE_FAILED, alertv1.DeliveryState_DELIVERY_STATE_CANCELED
	for _, test := range []struct {
		name string
		ds   []*alertv1.Delivery
		want bool
	}{
		{"nobody", nil, true},
		{"all sent", []*alertv1.Delivery{of("", sent), of("", sent)}, true},
		{"one failed, another was sent", []*alertv1.Delivery{of("", failed), of("", sent)}, false},
		{"one of a chain failed, the next was sent, the third not needed", []*alertv1.Delivery{of("7", failed), of("7", sent), of("7", canceled)}, true},
		{"another chain was sent", []*alertv1.Delivery{of("7", failed), of("7", canceled), of("8", sent)}, false},
		{"one of a chain was sent, one of none failed", []*alertv1.Delivery{of("7", sent), of("7", canceled), of("", failed)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := allNotified(test.ds); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestDelivery checks that a delivery shows the evidence of its last attempt and the
// mark of a possible duplicate.
func TestDelivery(t *testing.T) {
	d := &alertv1.Delivery{State: alertv1.DeliveryState_DELIVERY_STATE_QUEUED}
	if status, code, id := evidence(d); status+code+id != "" || state(d) != "queued" {
		t.Errorf("without attempts: %q %q %q, %s", status, code, id, state(d))
	}
	d = &alertv1.Delivery{
		State: alertv1.DeliveryState_DELIVERY_STATE_SENT,
		Attempts: []*alertv1.Attempt{
			{Number: 1, Outcome: &messengerv1.Outcome{ProviderCode: "connection_reset"}},
			{Number: 2, PossibleDuplicate: true, Outcome: &messengerv1.Outcome{ProviderStatus: 200, ProviderCode: "ok", ProviderMessageId: "17.5"}},
		},
	}
	if status, code, id := evidence(d); status != "200" || code != "ok" || id != "17.5" {
		t.Errorf("evidence is %q %q %q", status, code, id)
	}
	if got := state(d); got != "sent (possible duplicate)" {
		t.Errorf("state is %q", got)
	}
}
