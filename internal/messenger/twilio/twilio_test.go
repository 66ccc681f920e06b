package twilio

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

const (
	testCredential = "AC0123456789abcdef:SECRETtoken0123:+15005550006"
	testNumber     = "+821012345678"
)

var sample = messengertest.Sample{
	New:             messengertest.Maker(New),
	Message:         messenger.Message{DeliveryID: 7, Credential: testCredential, Destination: testNumber, Text: "[normal] node1 down"},
	Status:          201,
	Sent:            `{"sid":"SM1","status":"queued","to":"+821012345678","error_code":null,"error_message":null,"num_segments":"1"}`,
	MessageID:       "SM1",
	Refused:         `{"sid":"SM1","status":"failed","error_code":30004,"error_message":"no"}`,
	ShortCredential: "ACa:a:1234",
}

func TestPromises(t *testing.T) { messengertest.Run(t, sample) }

func TestFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), sample) }

func TestTwilioRequest(t *testing.T) {
	messengertest.Goldens(t, sample, testCredential, testNumber)
	messengertest.Golden(t, "twilio/service", messengertest.Request(t, sample, messengertest.PlainMessage("AC01:SECRET:MG0123", testNumber), false))
}

func TestTwilioCallback(t *testing.T) {
	for url, want := range map[string]string{"": "", "https://bongsu.example/": "https://bongsu.example/v1/callbacks/twilio/7"} {
		form := formOf(t, url, messengertest.PlainMessage(testCredential, testNumber))
		if form.Get("StatusCallback") != want || form.Has("StatusCallback") != (want != "") {
			t.Errorf("callback URL %q: StatusCallback %q", url, form.Get("StatusCallback"))
		}
	}
}

// TestTwilioCut exceeds the limit of an SMS, with characters that are surrogate pairs.
func TestTwilioCut(t *testing.T) {
	m := messengertest.PlainMessage(testCredential, testNumber)
	m.Text = strings.Repeat("🔥", 801)
	_, body, _ := strings.Cut(string(messengertest.Request(t, sample, m, true)), "\n\n")
	form, err := url.ParseQuery(strings.TrimSpace(body))
	if text := form.Get("Body"); err != nil || text != strings.Repeat("🔥", 799)+"…" {
		t.Errorf("%d units: %v", messenger.UTF16Len(text), err)
	}
	m.Text = strings.Repeat("봉", 1600)
	messengertest.Request(t, sample, m, false)
}

// TestTwilioSegments bounds the segments of Korean. The fake accepts the texts.
func TestTwilioSegments(t *testing.T) {
	fakes := mockup.New(nil)
	base := messengertest.Provider(t, fakes.Fakes().ServeHTTP)
	for _, limit := range []int{1, 6, 23} {
		e := messengertest.Endpoint(base, messengertest.NewClient(t))
		e.MaxSMSSegments = limit
		m := messengertest.PlainMessage(testCredential, testNumber)
		m.Text = "[critical] 주문 데이터베이스 장애: " + strings.Repeat("복제 지연이 30초를 넘었습니다. ", 100)
		if o := messengertest.Send(t.Context(), t, New(e), m); o.Kind != messenger.Sent || !o.Truncated {
			t.Errorf("%d: %+v", limit, o)
		}
		calls := fakes.Calls("")
		form, err := url.ParseQuery(calls[len(calls)-1].Body)
		if text := form.Get("Body"); err != nil || !strings.HasSuffix(text, "…") || messenger.SMSSegments(text) != limit {
			t.Errorf("%d segments, want %d: %s", messenger.SMSSegments(text), limit, text)
		}
	}
}

func TestTwilioResponses(t *testing.T) {
	refusal := func(code int) string {
		return fmt.Sprintf(`{"code":%d,"message":"no","more_info":"https://www.twilio.com/docs/errors/%d","status":400}`, code, code)
	}
	failed := func(scope messenger.Scope, code string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
	}
	unreadable := messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}
	rows := []messengertest.Response{
		{201, nil, sample.Sent, messenger.Outcome{Kind: messenger.Sent, MessageID: "SM1"}},
		{201, nil, `{"sid":"SM2","status":"accepted"}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "SM2"}},
		{200, nil, `{"sid":"SM2","status":"queued"}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "SM2"}},
		{201, nil, `{"status":"queued"}`, unreadable},
		{201, nil, `{"sid":"SM2"}`, unreadable},
		{201, nil, `{"sid":"SM2","status":"mumbled"}`, unreadable},
		{201, nil, `{"sid":"SM2","status":201}`, unreadable},
		{201, nil, `[]`, unreadable},
		{201, nil, `{"sid":"SM2","status":"failed","error_code":30006}`, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "30006", MessageID: "SM2"}},
		{201, nil, `{"sid":"SM2","status":"failed","error_code":30001}`, messenger.Outcome{Kind: messenger.Retry, Code: "30001", MessageID: "SM2"}},
		{201, nil, `{"sid":"SM2","status":"undelivered","error_code":39999}`, messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "39999", MessageID: "SM2"}},
		{429, nil, refusal(20429), messenger.Outcome{Kind: messenger.Paused, Code: "20429"}},
		{429, messengertest.RetryLater, "", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
		{429, messengertest.RetryLater, refusal(21211), messenger.Outcome{Kind: messenger.Paused, Code: "21211", RetryAfter: messengertest.Later}},
		{503, messengertest.RetryLater, refusal(20429), messenger.Outcome{Kind: messenger.Paused, Code: "20429", RetryAfter: messengertest.Later}},
		{500, nil, refusal(20500), messenger.Outcome{Kind: messenger.Retry, Code: "20500"}},
		{502, nil, "<html>", messenger.Outcome{Kind: messenger.Retry, Code: "http_502"}},
		{400, nil, refusal(21999), failed(messenger.MessageScope, "21999")},
		{401, nil, refusal(20003), failed(messenger.CredentialScope, "20003")},
		{401, nil, "", failed(messenger.CredentialScope, "http_401")},
		{404, nil, refusal(20404), failed(messenger.CredentialScope, "20404")},
		{400, nil, `{"code":"x"}`, failed(messenger.MessageScope, "http_400")},
	}
	for want, codes := range map[call.Classification][]int{
		call.Paused:            {20429},
		call.Retry:             {21611, 30001},
		call.DestinationFailed: {21211, 21610, 21614, 21635, 21408, 21612, 21604, 30003, 30004, 30005, 30006},
		call.CredentialFailed:  {20003, 20005, 20008, 20404, 21212, 21603, 21606, 21659, 21660, 21703, 21705, 30002},
		call.MessageFailed:     {21602, 21617, 30007},
	} {
		for _, code := range codes {
			rows = append(rows, messengertest.Response{400, nil, refusal(code), call.Classify(messenger.Outcome{Code: fmt.Sprint(code)}, want)})
		}
	}
	messengertest.CheckOutcomes(t, sample, rows)
}

func TestTwilioVerify(t *testing.T) {
	const account = "GET /2010-04-01/Accounts/AC0123456789abcdef.json"
	says := func(status string) map[string]string {
		return map[string]string{account: `{"sid":"AC0123456789abcdef","status":"` + status + `","friendly_name":"x"}`}
	}
	failed := func(scope messenger.Scope, code string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
	}
	messengertest.CheckVerify(t, sample, testCredential, testNumber, map[string]messengertest.Verification{
		"active":       {Responses: says("active"), Want: messenger.Outcome{Kind: messenger.Sent}},
		"suspended":    {Responses: says("suspended"), Want: failed(messenger.CredentialScope, "account_suspended")},
		"another":      {Responses: map[string]string{account: `{"sid":"AC9","status":"active"}`}, Want: messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}},
		"bad token":    {Responses: map[string]string{account: `{"code":20003,"status":401}`}, Status: map[string]int{account: 401}, Want: failed(messenger.CredentialScope, "20003")},
		"rate limited": {Responses: map[string]string{account: `{"code":20429}`}, Status: map[string]int{account: 429}, Header: messengertest.RetryLater, Want: messenger.Outcome{Kind: messenger.Paused, Code: "20429", RetryAfter: messengertest.Later}},
	})
	messengertest.CheckVerify(t, sample, "AC1:SECRET", testNumber, map[string]messengertest.Verification{"no account": {Want: failed(messenger.CredentialScope, "invalid_credential")}})
}

func TestTwilioSettings(t *testing.T) {
	spec := Messenger{}.Spec()
	messengertest.CheckSetting(t, spec.Credential, map[string]bool{
		testCredential: true, "AC01:t:MG0123": true, "AC01:t:12345": true, "AC01:t:Bongsu Ops": true,
		"": false, "AC01:t": false, "AC01:t:": false, "AC01::+15005550006": false, "SK01:t:+15005550006": false, "AC01:t t:+15005550006": false,
		"AC01:t:+1:5": false, "AC01:t:+0123456": false, "AC01:t:twelve letters": false, "AC/../x:t:+15005550006": false,
	})
	messengertest.CheckSetting(t, spec.Destination, map[string]bool{
		"+821012345678": true, "+15005550006": true,
		"": false, "01012345678": false, "+0821012345678": false, "+82 10 1234 5678": false, "+8210123456789012": false, "+82-10": false, "+８２１０１２３４５": false,
	})
	if !spec.Costly || spec.Idempotent || spec.Limits.Credential.Interval() != time.Second {
		t.Errorf("%+v", spec)
	}
}
