package messenger

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/services/mockup"
)

const (
	twilioCredential = "AC0123456789abcdef:SECRETtoken0123:+15005550006"
	twilioTo         = "+821012345678"
)

var twilioSample = sample{
	make:            maker(NewTwilio),
	message:         Message{DeliveryID: 7, Credential: twilioCredential, Destination: twilioTo, Text: "[normal] node1 down"},
	status:          201,
	sent:            `{"sid":"SM1","status":"queued","to":"+821012345678","error_code":null,"error_message":null,"num_segments":"1"}`,
	messageID:       "SM1",
	refused:         `{"sid":"SM1","status":"failed","error_code":30004,"error_message":"no"}`,
	shortCredential: "ACa:a:1234",
}

func TestTwilioPromises(t *testing.T) { verifyPromises(t, twilioSample) }

func TestTwilioFake(t *testing.T) { verifyFake(t, mockup.New(nil), twilioSample) }

func TestTwilioRequest(t *testing.T) {
	goldens(t, twilioSample, twilioCredential, twilioTo)
	golden(t, "twilio/service", wire(t, twilioSample, plainMessage("AC01:SECRET:MG0123", twilioTo), false))
}

func TestTwilioCallback(t *testing.T) {
	for url, want := range map[string]string{"": "", "https://bongsu.example/": "https://bongsu.example/v1/callbacks/twilio/7"} {
		form := twilioForm(t, url, plainMessage(twilioCredential, twilioTo))
		if form.Get("StatusCallback") != want || form.Has("StatusCallback") != (want != "") {
			t.Errorf("callback URL %q: StatusCallback %q", url, form.Get("StatusCallback"))
		}
	}
}

// TestTwilioCut exceeds the limit of an SMS, with characters that are surrogate pairs.
func TestTwilioCut(t *testing.T) {
	m := plainMessage(twilioCredential, twilioTo)
	m.Text = strings.Repeat("🔥", 801)
	_, body, _ := strings.Cut(string(wire(t, twilioSample, m, true)), "\n\n")
	form, err := url.ParseQuery(strings.TrimSpace(body))
	if text := form.Get("Body"); err != nil || text != strings.Repeat("🔥", 799)+"…" {
		t.Errorf("%d units: %v", utf16Len(text), err)
	}
	m.Text = strings.Repeat("봉", 1600)
	wire(t, twilioSample, m, false)
}

func TestTwilioAnswers(t *testing.T) {
	refusal := func(code int) string {
		return fmt.Sprintf(`{"code":%d,"message":"no","more_info":"https://www.twilio.com/docs/errors/%d","status":400}`, code, code)
	}
	failed := func(scope Scope, code string) Outcome { return Outcome{Kind: Failed, Scope: scope, Code: code} }
	unreadable := Outcome{Kind: Unknown, Code: "unreadable_answer"}
	rows := []answered{
		{201, nil, twilioSample.sent, Outcome{Kind: Sent, MessageID: "SM1"}},
		{201, nil, `{"sid":"SM2","status":"accepted"}`, Outcome{Kind: Sent, MessageID: "SM2"}},
		{200, nil, `{"sid":"SM2","status":"queued"}`, Outcome{Kind: Sent, MessageID: "SM2"}},
		{201, nil, `{"status":"queued"}`, unreadable},
		{201, nil, `{"sid":"SM2"}`, unreadable},
		{201, nil, `{"sid":"SM2","status":"mumbled"}`, unreadable},
		{201, nil, `{"sid":"SM2","status":201}`, unreadable},
		{201, nil, `[]`, unreadable},
		{201, nil, `{"sid":"SM2","status":"failed","error_code":30006}`, Outcome{Kind: Failed, Scope: DestinationScope, Code: "30006", MessageID: "SM2"}},
		{201, nil, `{"sid":"SM2","status":"failed","error_code":30001}`, Outcome{Kind: Retry, Code: "30001", MessageID: "SM2"}},
		{201, nil, `{"sid":"SM2","status":"undelivered","error_code":39999}`, Outcome{Kind: Failed, Scope: MessageScope, Code: "39999", MessageID: "SM2"}},
		{429, nil, refusal(20429), Outcome{Kind: Paused, Code: "20429"}},
		{429, retryLater, "", Outcome{Kind: Paused, Code: "http_429", RetryAfter: later}},
		{429, retryLater, refusal(21211), Outcome{Kind: Paused, Code: "21211", RetryAfter: later}},
		{503, retryLater, refusal(20429), Outcome{Kind: Paused, Code: "20429", RetryAfter: later}},
		{500, nil, refusal(20500), Outcome{Kind: Retry, Code: "20500"}},
		{502, nil, "<html>", Outcome{Kind: Retry, Code: "http_502"}},
		{400, nil, refusal(21999), failed(MessageScope, "21999")},
		{401, nil, refusal(20003), failed(CredentialScope, "20003")},
		{401, nil, "", failed(CredentialScope, "http_401")},
		{404, nil, refusal(20404), failed(CredentialScope, "20404")},
		{400, nil, `{"code":"x"}`, failed(MessageScope, "http_400")},
	}
	for want, codes := range map[classification][]int{
		meansPaused:       {20429},
		meansRetry:        {21611, 30001},
		destinationFailed: {21211, 21610, 21614, 21635, 21408, 21612, 21604, 30003, 30004, 30005, 30006},
		credentialFailed:  {20003, 20005, 20008, 20404, 21212, 21603, 21606, 21659, 21660, 21703, 21705, 30002},
		messageFailed:     {21602, 21617, 30007},
	} {
		for _, code := range codes {
			rows = append(rows, answered{400, nil, refusal(code), classify(Outcome{Code: fmt.Sprint(code)}, want)})
		}
	}
	meanings(t, twilioSample, rows)
}

func TestTwilioVerify(t *testing.T) {
	const account = "GET /2010-04-01/Accounts/AC0123456789abcdef.json"
	says := func(status string) map[string]string {
		return map[string]string{account: `{"sid":"AC0123456789abcdef","status":"` + status + `","friendly_name":"x"}`}
	}
	failed := func(scope Scope, code string) Outcome { return Outcome{Kind: Failed, Scope: scope, Code: code} }
	looks(t, twilioSample, twilioCredential, twilioTo, map[string]look{
		"active":       {answers: says("active"), want: Outcome{Kind: Sent}},
		"suspended":    {answers: says("suspended"), want: failed(CredentialScope, "account_suspended")},
		"another":      {answers: map[string]string{account: `{"sid":"AC9","status":"active"}`}, want: Outcome{Kind: Unknown, Code: "unreadable_answer"}},
		"bad token":    {answers: map[string]string{account: `{"code":20003,"status":401}`}, status: map[string]int{account: 401}, want: failed(CredentialScope, "20003")},
		"rate limited": {answers: map[string]string{account: `{"code":20429}`}, status: map[string]int{account: 429}, header: retryLater, want: Outcome{Kind: Paused, Code: "20429", RetryAfter: later}},
	})
	looks(t, twilioSample, "AC1:SECRET", twilioTo, map[string]look{"no account": {want: failed(CredentialScope, "invalid_credential")}})
}

func TestTwilioSettings(t *testing.T) {
	spec := Twilio{}.Spec()
	checks(t, spec.Credential, map[string]bool{
		twilioCredential: true, "AC01:t:MG0123": true, "AC01:t:12345": true, "AC01:t:Bongsu Ops": true,
		"": false, "AC01:t": false, "AC01:t:": false, "AC01::+15005550006": false, "SK01:t:+15005550006": false, "AC01:t t:+15005550006": false,
		"AC01:t:+1:5": false, "AC01:t:+0123456": false, "AC01:t:twelve letters": false, "AC/../x:t:+15005550006": false,
	})
	checks(t, spec.Destination, map[string]bool{
		"+821012345678": true, "+15005550006": true,
		"": false, "01012345678": false, "+0821012345678": false, "+82 10 1234 5678": false, "+8210123456789012": false, "+82-10": false, "+８２１０１２３４５": false,
	})
	if !spec.Costly || spec.Idempotent || spec.Limits.Credential.Interval() != time.Second {
		t.Errorf("%+v", spec)
	}
}
