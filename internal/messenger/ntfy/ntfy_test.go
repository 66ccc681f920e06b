package ntfy

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

var sample = messengertest.Sample{
	New:             messengertest.Maker(New),
	Message:         messenger.Message{DeliveryID: 7, Credential: "https://ntfy.example.com#tk_SECRETabcdefghijklmnopqrstuvw", Destination: "alerts", Text: "[normal] node1 down"},
	Sent:            `{"id":"hwQ2YpKdmg","time":1772366400,"expires":1772409600,"event":"message","topic":"alerts","message":"x"}`,
	MessageID:       "hwQ2YpKdmg",
	Refused:         `{"code":40009,"http":400,"error":"invalid request: topic invalid"}`,
	ShortCredential: "https://ntfy.sh#a",
	Shown:           messengertest.Markup{Plain: []string{"\n\n" + messengertest.MarkupText}, Full: []string{"\n\n" + messengertest.MarkupText}}, // no Markdown without the header
}

func TestPromises(t *testing.T) { messengertest.Run(t, sample) }

func TestFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), sample) }

func TestNtfyRequest(t *testing.T) {
	messengertest.Goldens(t, sample, "https://ntfy.example.com/below/#tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2", "alerts")
	m := messengertest.PlainMessage("https://ntfy.sh", "alerts")
	m.Severity = "low"
	messengertest.Golden(t, "ntfy/open", messengertest.Request(t, sample, m, false))
}

// TestNtfyIncident verifies the requests of an incident: one sequence id, a button while it
// fires, and no noise for an acknowledgment.
func TestNtfyIncident(t *testing.T) {
	fake := mockup.New(nil)
	server := httptest.NewServer(fake.Fakes())
	t.Cleanup(server.Close)
	to := New(call.Endpoint{Client: messengertest.NewClient(t), Now: time.Now, URL: server.URL})
	for i, m := range messengertest.IncidentMessages("https://ntfy.sh", "alerts") {
		if o := messengertest.Send(t.Context(), t, to, m); o.Kind != messenger.Sent {
			t.Fatalf("%+v", o)
		}
		if shown := fake.Messages("ntfy", "alerts"); len(shown) != 1 || shown[0].Text != m.Text || shown[0].ChangeCount != i {
			t.Errorf("the topic shows %+v, want %q", shown, m.Text)
		}
		messengertest.Golden(t, fmt.Sprintf("ntfy/incident_%d_%s", i, m.Status()), messengertest.Request(t, sample, m, false))
	}
}

// TestNtfySequence verifies that messages of an incident have one sequence id, and those of
// others another, within the form of ntfy.
func TestNtfySequence(t *testing.T) {
	m := messenger.Message{DeliveryID: 7, Incident: 3, AlertKey: strings.Repeat("봉", 200)}
	again, other, foreign := m, m, m
	again.DeliveryID, again.Resolved = 8, true
	other.Incident = 4
	foreign.AlertKey = "x"
	id := sequenceID(m)
	if !regexp.MustCompile(`^[-_A-Za-z0-9]{1,64}$`).MatchString(id) || sequenceID(again) != id || sequenceID(other) == id || sequenceID(foreign) == id {
		t.Errorf("%q, %q, %q, %q", id, sequenceID(again), sequenceID(other), sequenceID(foreign))
	}
	if got := sequenceID(messenger.Message{DeliveryID: 7}); got != "" {
		t.Errorf("without an incident: %q", got)
	}
}

// TestNtfyCuts verifies that requests are within ntfy's limits, in bytes.
func TestNtfyCuts(t *testing.T) {
	for name, m := range map[string]messenger.Message{
		"text":    {Text: strings.Repeat("봉", 1366)},
		"details": {Text: "x", Details: []messenger.Detail{{Name: "log", Value: strings.Repeat("x", 5000)}}},
		"title":   {Text: "x", Title: strings.Repeat("봉", 400)},
	} {
		t.Run(name, func(t *testing.T) {
			var body []byte
			var title string
			base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ = io.ReadAll(r.Body)
				title, _ = new(mime.WordDecoder).DecodeHeader(r.Header.Get("Title")) // as ntfy decodes it
				_, _ = io.WriteString(w, sample.Sent)
			})
			m.Credential, m.Destination = "https://ntfy.sh", "alerts"
			o := messengertest.Send(t.Context(), t, sample.At(t, base), m)
			if o.Kind != messenger.Sent || !o.Truncated || len(body) > 4096 || len(title) > 1000 || m.Title != "" && !strings.HasPrefix(title, "봉봉봉") {
				t.Errorf("%+v: %d bytes, title %q", o, len(body), title)
			}
		})
	}
}

func TestNtfyPriorities(t *testing.T) {
	var got string
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Priority") + " " + r.Header.Get("Tags")
		_, _ = io.WriteString(w, sample.Sent)
	})
	for severity, want := range map[string]string{"critical": "5 rotating_light", "HIGH": "4 warning", "normal": " ", "경고": " ", "": " ", "low": "2 "} {
		m := sample.Message
		m.Severity = severity
		if messengertest.Send(t.Context(), t, sample.At(t, base), m); got != want {
			t.Errorf("%q is %q", severity, got)
		}
	}
}

// TestNtfyResponses verifies the outcome of every documented response of ntfy.
func TestNtfyResponses(t *testing.T) {
	refusal := func(code int, text string) string {
		return fmt.Sprintf(`{"code":%d,"http":%d,"error":%q,"link":"https://ntfy.sh/docs/publish/"}`, code, code/100, text)
	}
	rows := []messengertest.Response{
		{200, nil, `{"id":"a","event":"message"}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "a"}},
		{500, nil, `{"id":"a","event":"message"}`, messenger.Outcome{Kind: messenger.Retry, Code: "http_500"}},
		{429, nil, refusal(42901, "limit reached: too many requests"), messenger.Outcome{Kind: messenger.Paused, Code: "42901", RetryAfter: 5 * time.Second}},
		{429, messengertest.RetryLater, refusal(42901, "limit reached: too many requests"), messenger.Outcome{Kind: messenger.Paused, Code: "42901", RetryAfter: messengertest.Later}},
		{429, nil, refusal(42904, "limit reached: the total number of topics"), messenger.Outcome{Kind: messenger.Paused, Code: "42904", RetryAfter: 5 * time.Second}},
		{429, nil, refusal(42908, "limit reached: daily message quota reached"), messenger.Outcome{Kind: messenger.Paused, Code: "42908", RetryAfter: 12 * time.Hour}}, // the clock is at noon
		{429, messengertest.RetryLater, refusal(42908, "limit reached: daily message quota reached"), messenger.Outcome{Kind: messenger.Paused, Code: "42908", RetryAfter: messengertest.Later}},
		{429, nil, "<html>", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: 5 * time.Second}},
		{401, nil, refusal(40101, "unauthorized"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "40101"}},
		{403, nil, "<html>", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.CredentialScope, Code: "http_403"}},
		{403, nil, refusal(40301, "forbidden"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "40301"}},
		{404, nil, refusal(40401, "page not found"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "40401"}},
		{413, nil, refusal(41301, "attachment too large"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "41301"}},
		{400, nil, refusal(40009, "invalid request: topic invalid"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "40009"}},
		{200, nil, refusal(40009, "invalid request: topic invalid"), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "40009"}},
		{500, nil, refusal(50001, "internal server error"), messenger.Outcome{Kind: messenger.Retry, Code: "50001"}},
		{507, nil, refusal(50701, "attachment storage full"), messenger.Outcome{Kind: messenger.Retry, Code: "50701"}},
		{503, messengertest.RetryLater, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_503", RetryAfter: messengertest.Later}},
		{302, nil, "", messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "redirect"}},
	}
	for _, body := range []string{"", "ok", "null", "[]", "{}", `{"event":"message"}`, `{"id":"a"}`, `{"id":"a","event":"open"}`, `{"id":1,"event":"message"}`, `{"id":"a","event":"message"`, `{"id":"a","event":"message"}x`} {
		rows = append(rows, messengertest.Response{200, nil, body, messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}})
	}
	messengertest.CheckOutcomes(t, sample, rows)
}

// TestNtfyDay verifies the wait until the end of the day in UTC.
func TestNtfyDay(t *testing.T) {
	for now, want := range map[time.Time]time.Duration{
		messengertest.Noon: 12 * time.Hour,
		messengertest.Noon.In(time.FixedZone("KST", 9*60*60)): 12 * time.Hour,
		time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC):           24 * time.Hour,
		time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC):        time.Second,
		time.Date(2026, 3, 1, 23, 59, 59, 999e6+1, time.UTC):  time.Millisecond,
	} {
		if got := waitOf(codeDailyLimit, now); got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
}

func TestNtfySettings(t *testing.T) {
	spec := Messenger{}.Spec()
	messengertest.CheckSetting(t, spec.Credential, map[string]bool{
		"https://ntfy.sh": true, "https://ntfy.example.com:8443/#tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2": true,
		"": false, "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2": false, "http://ntfy.example.com": false, "https://ntfy.example.com#": false, "https://ntfy.example.com#a b": false,
		"https://me:secret@ntfy.sh": false, "https://ntfy.example.com/?auth=abc": false, "https://ntfy.example.com?": false, "https://#tk_a": false,
	})
	messengertest.CheckSetting(t, spec.Destination, map[string]bool{
		"alerts": true, "Team-1_x": true, strings.Repeat("x", 64): true,
		"": false, "a/b": false, "a,b": false, "a b": false, "경보": false, strings.Repeat("x", 65): false,
	})
}

func TestNtfyRefusesInvalidAddresses(t *testing.T) {
	base := messengertest.Provider(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	for _, c := range []struct {
		credential, destination, code string
		scope                         messenger.Scope
	}{
		{"tk_a", "alerts", "invalid_credential", messenger.CredentialScope},
		{"https://ntfy.sh", "../v1/account", "invalid_destination", messenger.DestinationScope},
	} {
		m := messenger.Message{Credential: c.credential, Destination: c.destination, Text: "x"}
		if o := sample.At(t, base).Send(t.Context(), m); o.Kind != messenger.Failed || o.Scope != c.scope || o.Code != c.code {
			t.Errorf("%+v", o)
		}
	}
}
