package pagerduty

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

var sample = messengertest.Sample{
	New:       messengertest.Maker(New),
	Message:   messenger.Message{DeliveryID: 7, Credential: "SECRET7890abcdefSECRET7890abcdef", Text: "[normal] node1 down"},
	Status:    http.StatusAccepted,
	Sent:      `{"status":"success","message":"Event processed","dedup_key":"bongsu-7"}`,
	MessageID: "bongsu-7",
	Refused:   `{"status":"invalid event","message":"Event object is invalid","errors":["'payload.source' is missing or blank"]}`,
	Shown:     messengertest.Markup{Plain: []string{`"summary":"` + messengertest.MarkupText + `"`}},
}

func TestPromises(t *testing.T) { messengertest.Run(t, sample) }

func TestFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), sample) }

func TestPagerDutyRequest(t *testing.T) {
	messengertest.Goldens(t, sample, "0123456789abcdef0123456789abcdef", "")
	messengertest.Golden(t, "pagerduty/source", messengertest.Request(t, sample, messengertest.PlainMessage("0123456789abcdef0123456789abcdef", "shop"), false))
}

// received returns the event that PagerDuty receives for a message.
func received(t *testing.T, m messenger.Message) (event map[string]any, o messenger.Outcome) {
	t.Helper()
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &event); err != nil || len(body) > 512_000 {
			t.Errorf("%d bytes: %v", len(body), err)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, sample.Sent)
	})
	m.Credential = sample.Message.Credential
	return event, messengertest.Send(t.Context(), t, sample.At(t, base), m)
}

// TestPagerDutySize verifies that events are within PagerDuty's limits: a text that
// exceeds a summary is sent in full, details that exceed the limit of an event are
// dropped.
func TestPagerDutySize(t *testing.T) {
	long := strings.Repeat("봉", 1025)
	event, o := received(t, messenger.Message{Text: long})
	payload := event["payload"].(map[string]any)
	summary := []rune(payload["summary"].(string))
	if o.Truncated || len(summary) != 1024 || summary[1023] != '…' || payload["custom_details"].(map[string]any)["message"] != long {
		t.Errorf("%+v of %d characters, details %.40v", o, len(summary), payload["custom_details"])
	}
	event, o = received(t, messenger.Message{Text: "x", Details: []messenger.Detail{{Name: "log", Value: strings.Repeat("x", 512_000)}}})
	if payload := event["payload"].(map[string]any); o.Kind != messenger.Sent || !o.Truncated || payload["custom_details"] != nil {
		t.Errorf("%+v, %.80v", o, payload)
	}
}

// TestPagerDutyDetails verifies the order of details, and that all values of one name
// are kept.
func TestPagerDutyDetails(t *testing.T) {
	got, err := json.Marshal(customDetails{{Name: "z", Value: "1"}, {Name: "a", Value: `"2"`}, {Name: "z", Value: "3"}})
	if want := `{"z":"1, 3","a":"\"2\""}`; err != nil || string(got) != want {
		t.Errorf("%s, want %s (%v)", got, want, err)
	}
}

func TestPagerDutySeverity(t *testing.T) {
	for severity, want := range map[string]string{
		"critical": "critical", "CRITICAL": "critical", "high": "error", "normal": "warning", "low": "info",
		"page": "critical", "P2": "error", "debug": "info",
		"error": "error", "warning": "warning", "Info": "info", "경고": "warning", "": "warning",
	} {
		if got := severityOf(severity, job.RankOf(severity)); got != want {
			t.Errorf("%q is %s, want %s", severity, got, want)
		}
	}
}

// TestPagerDutyResponses verifies the outcome of every documented response of PagerDuty.
func TestPagerDutyResponses(t *testing.T) {
	invalid := func(what string) string {
		return fmt.Sprintf(`{"status":"invalid event","message":"Event object is invalid","errors":[%q]}`, what)
	}
	const throttled = `{"status":"throttle exceeded","message":"Requests for this service are arriving too quickly.  Please retry later."}`
	rows := []messengertest.Response{
		{202, nil, sample.Sent, messenger.Outcome{Kind: messenger.Sent, MessageID: "bongsu-7"}},
		{202, nil, `{"status":"success"}`, messenger.Outcome{Kind: messenger.Sent}},
		{202, nil, invalid("'summary' is missing"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "invalid event"}},
		{400, nil, invalid("'summary' is too long (maiximum is 1024 characters)"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "invalid event"}},
		{400, nil, invalid("Length of 'routing_key' is incorrect (should be 32 characters)"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "invalid event"}},
		{400, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "http_400"}},
		{401, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "http_401"}},
		{403, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "http_403"}},
		{404, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "http_404"}},
		{413, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "http_413"}},
		{429, nil, throttled, messenger.Outcome{Kind: messenger.Paused, Code: "throttle exceeded", RetryAfter: 2 * time.Minute}},
		{429, messengertest.RetryLater, throttled, messenger.Outcome{Kind: messenger.Paused, Code: "throttle exceeded", RetryAfter: messengertest.Later}},
		{429, nil, "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 2 * time.Minute}},
		{429, nil, sample.Sent, messenger.Outcome{Kind: messenger.Paused, Code: "success", RetryAfter: 2 * time.Minute}},
		{500, nil, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_500"}},
		{503, messengertest.RetryLater, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_503", RetryAfter: messengertest.Later}},
		{302, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "redirect"}},
	}
	for _, body := range []string{"", "success", "null", "[]", "{}", `{"status":202}`, `{"message":"success"}`, `{"status":"success"`, `{"status":"success"}x`} {
		rows = append(rows, messengertest.Response{202, nil, body, messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}})
	}
	messengertest.CheckOutcomes(t, sample, rows)
}

// TestPagerDutyKnowsAgain sends a delivery twice: the dedup_key is the same, and that
// of another delivery differs.
func TestPagerDutyKnowsAgain(t *testing.T) {
	var keys []string
	for _, id := range []int64{7, 7, 8} {
		event, _ := received(t, messenger.Message{DeliveryID: id, Text: "x"})
		keys = append(keys, event["dedup_key"].(string))
	}
	if keys[0] != keys[1] || keys[0] == keys[2] {
		t.Errorf("%q", keys)
	}
}

// TestPagerDutyResolves verifies that a resolution has the dedup_key of its trigger,
// and that the dedup_key differs for other keys and for other integrations.
func TestPagerDutyResolves(t *testing.T) {
	event := func(m messenger.Message) (action, key string) {
		event, o := received(t, m)
		if o.Kind != messenger.Sent {
			t.Errorf("%+v", o)
		}
		return event["event_action"].(string), event["dedup_key"].(string)
	}
	long := strings.Repeat("봉", 200)
	trigger, key := event(messenger.Message{DeliveryID: 7, Text: "x", AlertKey: long})
	again, same := event(messenger.Message{DeliveryID: 8, Text: "y", AlertKey: long})
	over, resolved := event(messenger.Message{DeliveryID: 9, Text: "z", AlertKey: long, Resolved: true})
	if trigger != "trigger" || again != "trigger" || over != "resolve" || key != same || key != resolved || len(key) > 255 {
		t.Errorf("%s %s %s under %q, %q, %q", trigger, again, over, key, same, resolved)
	}
	if _, other := event(messenger.Message{DeliveryID: 7, Text: "x", AlertKey: long + "x"}); other == key {
		t.Errorf("another key is %q too", other)
	}
	if other := dedupKey(messenger.Message{Credential: "another", AlertKey: long}); other == key {
		t.Errorf("by another integration it is %q too", other)
	}
}

// TestPagerDutyIncident verifies the events of an incident: all have one dedup_key, and the
// fake has one incident, with the status of the last event.
func TestPagerDutyIncident(t *testing.T) {
	fake := mockup.New(nil)
	server := httptest.NewServer(fake.Fakes())
	t.Cleanup(server.Close)
	to := New(call.Endpoint{Client: messengertest.NewClient(t), Now: time.Now, URL: server.URL})
	messages := messengertest.IncidentMessages(sample.Message.Credential, "")
	for i, want := range []string{"triggered", "acknowledged", "acknowledged", "resolved"} {
		m := messages[i]
		messengertest.Golden(t, fmt.Sprintf("pagerduty/incident_%d_%s", i, m.Status()), messengertest.Request(t, sample, m, false))
		if o := messengertest.Send(t.Context(), t, to, m); o.Kind != messenger.Sent {
			t.Fatalf("%+v", o)
		}
		if shown := fake.Messages("pagerduty", ""); len(shown) != 1 || shown[0].State != want || shown[0].ID != dedupKey(m) {
			t.Errorf("after %s: %+v, want %s", m.Status(), shown, want)
		}
	}
}

func TestPagerDutySettings(t *testing.T) {
	spec := Messenger{}.Spec()
	messengertest.CheckSetting(t, spec.Credential, map[string]bool{
		"0123456789abcdefABCDEF0123456789": true,
		"":                                 false, "e+23rschqsESqk9Q6_-g": false, "0123456789abcdefABCDEF012345678-": false, "0123456789abcdefABCDEF01234567890": false,
	})
	messengertest.CheckSetting(t, spec.Destination, map[string]bool{"": true, "node1": true, "결제 서버": true})
	if o := (Messenger{}).Send(t.Context(), messenger.Message{Credential: "short", Text: "x"}); o.Kind != messenger.Failed || o.Scope != messenger.CredentialScope || o.Code != "invalid_credential" {
		t.Errorf("%+v", o)
	}
}
