package messenger

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/mockup"
)

var ntfySample = sample{
	make:            maker(NewNtfy),
	message:         Message{DeliveryID: 7, Credential: "https://ntfy.example.com#tk_SECRETabcdefghijklmnopqrstuvw", Destination: "alerts", Text: "[normal] node1 down"},
	sent:            `{"id":"hwQ2YpKdmg","time":1772366400,"expires":1772409600,"event":"message","topic":"alerts","message":"x"}`,
	messageID:       "hwQ2YpKdmg",
	refused:         `{"code":40009,"http":400,"error":"invalid request: topic invalid"}`,
	shortCredential: "https://ntfy.sh#a",
	shown:           markup{plain: []string{"\n\n" + markupText}, full: []string{"\n\n" + markupText}}, // no Markdown without the header
}

func TestNtfyPromises(t *testing.T) { verifyPromises(t, ntfySample) }

func TestNtfyFake(t *testing.T) { verifyFake(t, mockup.New(nil), ntfySample) }

func TestNtfyRequest(t *testing.T) {
	goldens(t, ntfySample, "https://ntfy.example.com/below/#tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2", "alerts")
	m := plainMessage("https://ntfy.sh", "alerts")
	m.Severity = "low"
	golden(t, "ntfy/open", wire(t, ntfySample, m, false))
}

// TestNtfyCuts verifies that requests are within ntfy's limits, in bytes.
func TestNtfyCuts(t *testing.T) {
	for name, m := range map[string]Message{
		"text":    {Text: strings.Repeat("봉", 1366)},
		"details": {Text: "x", Details: []Detail{{Name: "log", Value: strings.Repeat("x", 5000)}}},
		"title":   {Text: "x", Title: strings.Repeat("봉", 400)},
	} {
		t.Run(name, func(t *testing.T) {
			var body []byte
			var title string
			base := provider(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ = io.ReadAll(r.Body)
				title, _ = new(mime.WordDecoder).DecodeHeader(r.Header.Get("Title")) // as ntfy decodes it
				_, _ = io.WriteString(w, ntfySample.sent)
			})
			m.Credential, m.Destination = "https://ntfy.sh", "alerts"
			o := send(t.Context(), t, ntfySample.at(t, base), m)
			if o.Kind != Sent || !o.Truncated || len(body) > 4096 || len(title) > 1000 || m.Title != "" && !strings.HasPrefix(title, "봉봉봉") {
				t.Errorf("%+v: %d bytes, title %q", o, len(body), title)
			}
		})
	}
}

func TestNtfyPriorities(t *testing.T) {
	var got string
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Priority") + " " + r.Header.Get("Tags")
		_, _ = io.WriteString(w, ntfySample.sent)
	})
	for severity, want := range map[string]string{"critical": "5 rotating_light", "HIGH": "4 warning", "normal": " ", "경고": " ", "": " ", "low": "2 "} {
		m := ntfySample.message
		m.Severity = severity
		if send(t.Context(), t, ntfySample.at(t, base), m); got != want {
			t.Errorf("%q is %q", severity, got)
		}
	}
}

// TestNtfyAnswers verifies the outcome of every documented response of ntfy.
func TestNtfyAnswers(t *testing.T) {
	refusal := func(code int, text string) string {
		return fmt.Sprintf(`{"code":%d,"http":%d,"error":%q,"link":"https://ntfy.sh/docs/publish/"}`, code, code/100, text)
	}
	rows := []answered{
		{200, nil, `{"id":"a","event":"message"}`, Outcome{Kind: Sent, MessageID: "a"}},
		{500, nil, `{"id":"a","event":"message"}`, Outcome{Kind: Retry, Code: "http_500"}},
		{429, nil, refusal(42901, "limit reached: too many requests"), Outcome{Kind: Paused, Code: "42901", RetryAfter: 5 * time.Second}},
		{429, retryLater, refusal(42901, "limit reached: too many requests"), Outcome{Kind: Paused, Code: "42901", RetryAfter: later}},
		{429, nil, refusal(42904, "limit reached: the total number of topics"), Outcome{Kind: Paused, Code: "42904", RetryAfter: 5 * time.Second}},
		{429, nil, refusal(42908, "limit reached: daily message quota reached"), Outcome{Kind: Paused, Code: "42908", RetryAfter: 12 * time.Hour}}, // the clock is at noon
		{429, retryLater, refusal(42908, "limit reached: daily message quota reached"), Outcome{Kind: Paused, Code: "42908", RetryAfter: later}},
		{429, nil, "<html>", Outcome{Kind: Paused, Code: "http_429", RetryAfter: 5 * time.Second}},
		{401, nil, refusal(40101, "unauthorized"), Outcome{Kind: Failed, Scope: CredentialScope, Code: "40101"}},
		{403, nil, "<html>", Outcome{Kind: Failed, Scope: CredentialScope, Code: "http_403"}},
		{403, nil, refusal(40301, "forbidden"), Outcome{Kind: Failed, Scope: DestinationScope, Code: "40301"}},
		{404, nil, refusal(40401, "page not found"), Outcome{Kind: Failed, Scope: MessageScope, Code: "40401"}},
		{413, nil, refusal(41301, "attachment too large"), Outcome{Kind: Failed, Scope: MessageScope, Code: "41301"}},
		{400, nil, refusal(40009, "invalid request: topic invalid"), Outcome{Kind: Failed, Scope: MessageScope, Code: "40009"}},
		{200, nil, refusal(40009, "invalid request: topic invalid"), Outcome{Kind: Failed, Scope: MessageScope, Code: "40009"}},
		{500, nil, refusal(50001, "internal server error"), Outcome{Kind: Retry, Code: "50001"}},
		{507, nil, refusal(50701, "attachment storage full"), Outcome{Kind: Retry, Code: "50701"}},
		{503, retryLater, "", Outcome{Kind: Retry, Code: "http_503", RetryAfter: later}},
		{302, nil, "", Outcome{Kind: Failed, Scope: MessageScope, Code: "redirect"}},
	}
	for _, body := range []string{"", "ok", "null", "[]", "{}", `{"event":"message"}`, `{"id":"a"}`, `{"id":"a","event":"open"}`, `{"id":1,"event":"message"}`, `{"id":"a","event":"message"`, `{"id":"a","event":"message"}x`} {
		rows = append(rows, answered{200, nil, body, Outcome{Kind: Unknown, Code: "unreadable_answer"}})
	}
	meanings(t, ntfySample, rows)
}

// TestNtfyDay verifies the wait until the end of the day in UTC.
func TestNtfyDay(t *testing.T) {
	for now, want := range map[time.Time]time.Duration{
		noon:                                    12 * time.Hour,
		noon.In(time.FixedZone("KST", 9*60*60)): 12 * time.Hour,
		time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC):          24 * time.Hour,
		time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC):       time.Second,
		time.Date(2026, 3, 1, 23, 59, 59, 999e6+1, time.UTC): time.Millisecond,
	} {
		if got := ntfyWait(ntfyTooManyADay, now); got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
}

func TestNtfySettings(t *testing.T) {
	spec := Ntfy{}.Spec()
	checks(t, spec.Credential, map[string]bool{
		"https://ntfy.sh": true, "https://ntfy.example.com:8443/#tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2": true,
		"": false, "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2": false, "http://ntfy.example.com": false, "https://ntfy.example.com#": false, "https://ntfy.example.com#a b": false,
		"https://me:secret@ntfy.sh": false, "https://ntfy.example.com/?auth=abc": false, "https://ntfy.example.com?": false, "https://#tk_a": false,
	})
	checks(t, spec.Destination, map[string]bool{
		"alerts": true, "Team-1_x": true, strings.Repeat("x", 64): true,
		"": false, "a/b": false, "a,b": false, "a b": false, "경보": false, strings.Repeat("x", 65): false,
	})
}

func TestNtfyRefusesWhatCannotBeCalled(t *testing.T) {
	base := provider(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	for _, c := range []struct {
		credential, destination, code string
		scope                         Scope
	}{
		{"tk_a", "alerts", "invalid_credential", CredentialScope},
		{"https://ntfy.sh", "../v1/account", "invalid_destination", DestinationScope},
	} {
		m := Message{Credential: c.credential, Destination: c.destination, Text: "x"}
		if o := ntfySample.at(t, base).Send(t.Context(), m); o.Kind != Failed || o.Scope != c.scope || o.Code != c.code {
			t.Errorf("%+v", o)
		}
	}
}
