package mockup_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/twilio"
	"github.com/bongsu-project/bongsu/services/mockup"
)

type twilioReply struct {
	SID      string `json:"sid"`
	Status   any    `json:"status"`
	Segments string `json:"num_segments"`
	Code     int    `json:"code"`
}

// sendSMS sends a form to the fake of Twilio.
func sendSMS(t *testing.T, server *httptest.Server, sid string, form url.Values) (int, twilioReply) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/2010-04-01/Accounts/AC1/Messages.json", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if sid != "" {
		req.SetBasicAuth(sid, "token")
	}
	res, err := server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := read(t, res)
	var r twilioReply
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		t.Fatalf("%v in %q", err, body)
	}
	return status, r
}

// sms returns a valid form, with changes.
func sms(changes ...string) url.Values {
	form := url.Values{"To": {"+821012345678"}, "From": {"+15005550006"}, "Body": {"[normal] node1 down"}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

func TestTwilioTakesAMessage(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	for want, form := range map[string]url.Values{
		"1":  sms(),
		"2":  sms("Body", strings.Repeat("봉", 71)),
		"11": sms("Body", strings.Repeat("x", 1600)),

		"1 of Korean":        sms("Body", strings.Repeat("봉", 70)),
		"2 of Korean":        sms("Body", strings.Repeat("봉", 134)),
		"3 of Korean":        sms("Body", strings.Repeat("봉", 135)),
		"6 of Korean":        sms("Body", strings.Repeat("봉", 402)),
		"7 of Korean":        sms("Body", strings.Repeat("봉", 403)),
		"2 of mixed text":    sms("Body", strings.Repeat("x", 70)+"봉"),
		"2 of extended GSM":  sms("Body", strings.Repeat("€", 81)),
		"3 of divided pairs": sms("Body", strings.Repeat("🔥", 67)),
		"24 of Korean":       sms("Body", strings.Repeat("봉", 1600)),
		"0":                  sms("From", "", "MessagingServiceSid", "MG1"),
	} {
		status, r := sendSMS(t, server, "AC1", form)
		if status != http.StatusCreated || !strings.HasPrefix(r.SID, "SM") || len(r.SID) != 34 || r.Status != "queued" || r.Segments != strings.Fields(want)[0] {
			t.Errorf("%d %+v, want %s segments", status, r, want)
		}
	}
}

func TestTwilioRefuses(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	for name, c := range map[string]struct {
		sid    string
		form   url.Values
		status int
		code   int
	}{
		"nobody":            {"", sms(), 401, 20003},
		"another account":   {"AC2", sms(), 401, 20003},
		"no To":             {"AC1", sms("To", ""), 400, 21604},
		"no sender":         {"AC1", sms("From", ""), 400, 21603},
		"no service":        {"AC1", sms("From", "", "MessagingServiceSid", "x"), 400, 21705},
		"a bad sender":      {"AC1", sms("From", "+0"), 400, 21212},
		"a bad number":      {"AC1", sms("To", "01012345678"), 400, 21211},
		"no body":           {"AC1", sms("Body", ""), 400, 21602},
		"too long":          {"AC1", sms("Body", strings.Repeat("🔥", 801)), 400, 21617},
		"magic: invalid":    {"AC1", sms("To", "+15005550001"), 400, 21211},
		"magic: unroutable": {"AC1", sms("To", "+15005550002"), 400, 21612},
		"magic: country":    {"AC1", sms("To", "+15005550003"), 400, 21408},
		"magic: stopped":    {"AC1", sms("To", "+15005550004"), 400, 21610},
		"magic: no mobile":  {"AC1", sms("To", "+15005550009"), 400, 21614},
		"magic: not owned":  {"AC1", sms("From", "+15005550007"), 400, 21606},
		"magic: queue full": {"AC1", sms("From", "+15005550008"), 400, 21611},
	} {
		t.Run(name, func(t *testing.T) {
			if status, r := sendSMS(t, server, c.sid, c.form); status != c.status || r.Code != c.code || r.Status != float64(c.status) {
				t.Errorf("%d %+v", status, r)
			}
		})
	}
}

func TestTwilioLimit(t *testing.T) {
	_, _, server, client := serveMockup(t)
	if _, err := client.SetLimits(t.Context(), &mockupv1.SetLimitsRequest{Kept: true}); err != nil {
		t.Fatal(err)
	}
	for i := range 101 {
		status, r := sendSMS(t, server, "AC1", sms())
		if over := i == 100; over != (status == http.StatusTooManyRequests) || over != (r.Code == 20429) {
			t.Fatalf("call %d: %d %+v", i, status, r)
		}
	}
}

// TestTwilioVerifies verifies an account as the messenger does.
func TestTwilioVerifies(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	sender := twilio.New(call.Endpoint{Client: server.Client(), Now: m.Now, URL: server.URL})
	if o := sender.Verify(t.Context(), "AC1:token:+15005550006", "+821012345678"); o.Kind != messenger.Sent {
		t.Errorf("%+v", o)
	}
	if res, err := server.Client().Get(server.URL + "/2010-04-01/Accounts/AC1.json"); err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("nobody: %v, %v", res, err)
	}
}

// TestTwilioCallsBack verifies that the messenger accepts the fake's callbacks.
func TestTwilioCallsBack(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	running(t, m)
	var sender twilio.Messenger
	words := make(chan messenger.Receipt, 10)
	ours := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.Path != twilio.CallbackPath+"7" {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		receipt, err := sender.ParseReceipt(7, r.PostForm, r.Header.Get("X-Twilio-Signature"), "AC1:token:+15005550006")
		if err != nil {
			t.Error(err)
		}
		words <- receipt
	}))
	t.Cleanup(ours.Close)
	sender = twilio.New(call.Endpoint{Client: server.Client(), Now: m.Now, URL: server.URL, CallbackURL: ours.URL})
	for to, want := range map[string]string{
		"+821012345678": "queued sent delivered",
		"+821000530003": "queued sent undelivered 30003",
		"+821000530006": "queued sent undelivered 30006",
	} {
		o := sender.Send(t.Context(), messenger.Message{DeliveryID: 7, Credential: "AC1:token:+15005550006", Destination: to, Text: "x"})
		if o.Kind != messenger.Sent {
			t.Fatalf("%+v", o)
		}
		var statuses []string
		for last := false; !last; {
			r := <-words
			statuses = append(statuses, r.Status)
			if last = r.Final; r.MessageID != o.MessageID {
				t.Errorf("%+v is of another message", r)
			}
			if r.Outcome.Code != "" {
				statuses = append(statuses, r.Outcome.Code)
			}
		}
		if got := strings.Join(statuses, " "); got != want {
			t.Errorf("%s: %s, want %s", to, got, want)
		}
	}
}

// running runs the background work of a mockup, until the test ends.
func running(t *testing.T, m *mockup.Mockup) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
