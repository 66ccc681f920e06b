package httpx

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// preset returns the constructor of a preset.
func preset(of Named) func(call.Endpoint) messenger.Messenger {
	return func(e call.Endpoint) messenger.Messenger {
		m, err := New(e, of)
		if err != nil {
			panic(err)
		}
		return m
	}
}

var mattermostSample = messengertest.Sample{
	New:     preset(mattermost),
	Message: messenger.Message{DeliveryID: 7, Credential: "https://mattermost.example.com/hooks/SECRET0123456789abcdefghij", Text: "[normal] node1 down"},
	Sent:    "ok",
	Refused: `{"id":"x","message":"no"}`,
	Means:   map[int]call.Classification{403: call.DestinationFailed, 404: call.DestinationFailed, 410: call.DestinationFailed},
	Shown: messengertest.Markup{
		Plain: []string{`"text":"\\*/5 \\* \\* \\* \\* \\_x\\_ \\~y\\~ \\` + "`z\\\\`" + ` <b>&"`},
	},
}

func TestMattermostPromises(t *testing.T) { messengertest.Run(t, mattermostSample) }

func TestMattermostFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), mattermostSample) }

func TestMattermost(t *testing.T) {
	const credential = "https://mattermost.example.com/hooks/abcdefghijklmnopqrstuvwxyz"
	messengertest.Goldens(t, mattermostSample, credential, "#ops")
	problem := func(id string) string { return `{"id":"` + id + `","message":"no","status_code":400}` }
	messengertest.CheckOutcomes(t, mattermostSample, []messengertest.Response{
		{200, nil, "ok", sent("")},
		{200, nil, "<html>", unknown("unreadable_answer")},
		{204, nil, "", unknown("unreadable_answer")},
		{400, nil, problem("web.incoming_webhook.invalid.app_error"), failed(messenger.DestinationScope, "web.incoming_webhook.invalid.app_error")},
		{400, nil, problem("web.incoming_webhook.text.app_error"), failed(messenger.MessageScope, "web.incoming_webhook.text.app_error")},
		{404, nil, problem("app.channel.get.existing.app_error"), failed(messenger.DestinationScope, "app.channel.get.existing.app_error")},
		{403, nil, problem("web.incoming_webhook.permissions.app_error"), failed(messenger.DestinationScope, "web.incoming_webhook.permissions.app_error")},
		{501, nil, problem("web.incoming_webhook.disabled.app_error"), messenger.Outcome{Kind: messenger.Retry, Code: "web.incoming_webhook.disabled.app_error"}},
		{429, messengertest.RetryLater, "limit exceeded\n", messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
	})
	messengertest.CheckSetting(t, mattermostSample.New(call.Endpoint{}).Spec().Credential, map[string]bool{
		credential: true, "https://example.com/team/hooks/abc": true,
		"": false, "http://mattermost.example.com/hooks/abc": false, "https://mm.example.org/": false, "https://mm.example.org/hooks/": false,
		"https://mattermost.example.com/hooks/abc?x=y": false, "https://mattermost.example.com/hooks/abc#x": false, "https://user:pass@example.com/hooks/abc": false,
	})
}

var googleChatSample = messengertest.Sample{
	New: preset(googleChat),
	Message: messenger.Message{
		DeliveryID: 7, Credential: "https://chat.googleapis.com/v1/spaces/AAAAabcd/messages?key=SECRET-key0123456789&token=SECRET-token0123456789", Text: "[normal] node1 down",
	},
	Sent:      `{"name":"spaces/AAAAabcd/messages/x.x","text":"[normal] node1 down","thread":{"name":"spaces/AAAAabcd/threads/x"}}`,
	MessageID: "spaces/AAAAabcd/messages/x.x",
	Refused:   `{"error":{"code":400,"message":"no","status":"INVALID_ARGUMENT"}}`,
	Means:     means,
}

func TestGoogleChatPromises(t *testing.T) { messengertest.Run(t, googleChatSample) }

func TestGoogleChatFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), googleChatSample) }

func TestGoogleChat(t *testing.T) {
	const credential = "https://chat.googleapis.com/v1/spaces/AAAAabcd/messages?key=k&token=t"
	messengertest.Goldens(t, googleChatSample, credential, "Operations")
	problem := func(word string) string { return `{"error":{"code":1,"message":"no","status":"` + word + `"}}` }
	messengertest.CheckOutcomes(t, googleChatSample, []messengertest.Response{
		{200, nil, `{"name":"spaces/A/messages/B"}`, sent("spaces/A/messages/B")},
		{200, nil, `{"text":"x"}`, unknown("unreadable_answer")},
		{400, nil, problem("INVALID_ARGUMENT"), failed(messenger.MessageScope, "INVALID_ARGUMENT")},
		{401, nil, problem("UNAUTHENTICATED"), failed(messenger.CredentialScope, "UNAUTHENTICATED")},
		{403, nil, problem("PERMISSION_DENIED"), failed(messenger.CredentialScope, "PERMISSION_DENIED")},
		{404, nil, problem("NOT_FOUND"), failed(messenger.DestinationScope, "NOT_FOUND")},
		{429, nil, problem("RESOURCE_EXHAUSTED"), messenger.Outcome{Kind: messenger.Paused, Code: "http_429"}},
		{503, nil, problem("UNAVAILABLE"), messenger.Outcome{Kind: messenger.Retry, Code: "UNAVAILABLE"}},
	})
	messengertest.CheckSetting(t, googleChatSample.New(call.Endpoint{}).Spec().Credential, map[string]bool{
		credential: true, "https://chat.googleapis.com/v1/spaces/AAAAabcd/messages": false, "https://chat.googleapis.com/v1/spaces/AAAAabcd/messages?token=t": false,
		"https://chat.example.com/v1/spaces/AAAAabcd/messages?key=k&token=t": false, "http://chat.googleapis.com/v1/spaces/AAAAabcd/messages?key=k": false, "": false,
	})
	m := messengertest.PlainMessage(credential, "")
	m.Text = strings.Repeat("봉", 10_000)
	messengertest.Request(t, googleChatSample, m, false)
	m.Text = strings.Repeat("봉", 10_001)
	messengertest.Request(t, googleChatSample, m, true)
}

var rocketChatSample = messengertest.Sample{
	New: preset(rocketChat),
	Message: messenger.Message{
		DeliveryID: 7, Credential: "https://chat.example.com/hooks/68a1b2c3d4e5f60718293a4b/SECRETabcdefghijklmnopqrstuvwxyz", Text: "[normal] node1 down",
	},
	Sent:    `{"success":true}`,
	Refused: `{"success":false,"error":"no"}`,
	Means:   means,
	Shown:   messengertest.Markup{Plain: []string{`"text":"\\*/5 \\* \\* \\* \\* \\_x\\_ \\~y\\~ \\` + "`z\\\\`" + ` <b>&"`}},
}

func TestRocketChatPromises(t *testing.T) { messengertest.Run(t, rocketChatSample) }

func TestRocketChatFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), rocketChatSample) }

func TestRocketChat(t *testing.T) {
	const credential = "https://chat.example.com/hooks/68a1b2c3d4e5f60718293a4b/abcdefghij"
	messengertest.Goldens(t, rocketChatSample, credential, "#ops")
	problem := func(text string) string { return `{"success":false,"error":"` + text + `"}` }
	messengertest.CheckOutcomes(t, rocketChatSample, []messengertest.Response{
		{200, nil, `{"success":true}`, sent("")},
		{200, nil, `{"success":false}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{"success":false,"error":"error-not-allowed"}`, failed(messenger.MessageScope, "error-not-allowed")},
		{200, nil, `{"success":"yes"}`, failed(messenger.MessageScope, "refused")},
		{200, nil, `{}`, unknown("unreadable_answer")},
		{400, nil, problem("error-message-size-exceeded"), failed(messenger.MessageScope, "error-message-size-exceeded")},
		{404, nil, problem("Invalid integration id or token provided."), failed(messenger.DestinationScope, "http_404")},
		{429, nil, problem("Error, too many requests."), messenger.Outcome{Kind: messenger.Paused, Code: "http_429"}},
		{503, nil, "Service Unavailable", messenger.Outcome{Kind: messenger.Retry, Code: "http_503"}},
	})
	messengertest.CheckSetting(t, rocketChatSample.New(call.Endpoint{}).Spec().Credential, map[string]bool{
		credential: true, "https://chat.example.com/hooks/68a1b2c3d4e5f60718293a4b/rocket/abc%2Fdef": true,
		"": false, "https://chat.example.com/hooks/68a1b2c3d4e5f60718293a4b": false, "http://chat.example.com/hooks/a/b": false, "https://chat.example.com/a/b": false,
	})
}

// sensCredential has a secret key that the fake accepts: the access key backwards.
const sensCredential = `{"access_key":"TERCES9876543210","secret_key":"0123456789SECRET","service":"ncp:kkobizmsg:kr:1234567:shop","channel":"@shop","template":"alarm01"}`

var ncpSENSSample = messengertest.Sample{
	New:       preset(ncpSENS),
	Message:   messenger.Message{DeliveryID: 7, Credential: sensCredential, Destination: "+821012345678", Text: "[normal] node1 down"},
	Status:    202,
	Sent:      `{"requestId":"r1","requestTime":"2026-03-01T12:00:00.000","statusCode":"202","statusName":"success","messages":[{"messageId":"m1","countryCode":"82","to":"01012345678","content":"x","requestStatusCode":"A000","requestStatusName":"success","requestStatusDesc":"성공"}]}`,
	MessageID: "m1",
	Refused:   `{"requestId":"r1","statusCode":"202","messages":[{"requestStatusCode":"A104","requestStatusName":"fail"}]}`,
	Means:     means,
}

func TestNCPSENSPromises(t *testing.T) { messengertest.Run(t, ncpSENSSample) }

func TestNCPSENSFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), ncpSENSSample) }

func TestNCPSENS(t *testing.T) {
	messengertest.Goldens(t, ncpSENSSample, sensCredential, "+821012345678")
	korean := messengertest.PlainMessage(sensCredential, "+82212345678")
	korean.Text = "[주문 알림] 홍길동님의 주문 10023번이\n접수되었습니다."
	messengertest.Golden(t, "ncpsens/korean", messengertest.Request(t, ncpSENSSample, korean, false))
	status := func(code string) string {
		return `{"requestId":"r","messages":[{"messageId":"m","requestStatusCode":"` + code + `"}]}`
	}
	messengertest.CheckOutcomes(t, ncpSENSSample, []messengertest.Response{
		{202, nil, status("A000"), sent("m")},
		{200, nil, status("A000"), sent("m")},
		{202, nil, status("A104"), failed(messenger.MessageScope, "A104")},
		{202, nil, `{"requestId":"r","messages":[]}`, unknown("unreadable_answer")},
		{202, nil, `{"requestId":"r"}`, unknown("unreadable_answer")},
		{401, nil, `{"error":{"status":401,"errors":"Unauthorized"}}`, failed(messenger.CredentialScope, "http_401")},
		{401, nil, `{"error":{"status":401,"errors":"Unauthorized","errorMessage":"Expired timestamp."}}`, messenger.Outcome{Kind: messenger.Retry, Code: "http_401"}},
		{403, nil, ``, failed(messenger.CredentialScope, "http_403")},
		{404, nil, ``, failed(messenger.DestinationScope, "http_404")},
		{400, nil, ``, failed(messenger.MessageScope, "http_400")},
		{429, nil, ``, messenger.Outcome{Kind: messenger.Paused, Code: "http_429"}},
		{500, nil, ``, messenger.Outcome{Kind: messenger.Retry, Code: "http_500"}},
	})
	spec := ncpSENSSample.New(call.Endpoint{}).Spec()
	messengertest.CheckSetting(t, spec.Credential, map[string]bool{
		sensCredential: true, strings.Replace(sensCredential, "@shop", "shop", 1): false, strings.Replace(sensCredential, "0123456789SECRET", "", 1): false,
		strings.Replace(sensCredential, "ncp:", "../ncp:", 1): false, strings.Replace(sensCredential, `"template"`, `"tmpl"`, 1): false, "": false, "a:b:c": false,
	})
	messengertest.CheckSetting(t, spec.Destination, map[string]bool{
		"+821012345678": true, "+82212345678": true, "": false, "01012345678": false, "+8201012345678": false, "+14155552671": false, "+82": false,
	})
	if !spec.Costly || spec.Idempotent || spec.Verifiable {
		t.Errorf("%+v", spec)
	}
	korean.Text = strings.Repeat("봉", 1_001)
	messengertest.Request(t, ncpSENSSample, korean, true)
}

// TestNCPSENSSignature computes the signature of a request again, from what the server
// sees.
func TestNCPSENSSignature(t *testing.T) {
	var got, want string
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("x-ncp-apigw-signature-v2")
		mac := hmac.New(sha256.New, []byte("0123456789SECRET"))
		_, _ = io.WriteString(mac, "POST /alimtalk/v2/services/ncp:kkobizmsg:kr:1234567:shop/messages\n1772366400000\nTERCES9876543210")
		want = base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if r.Header.Get("x-ncp-apigw-timestamp") != "1772366400000" || r.Header.Get("x-ncp-iam-access-key") != "TERCES9876543210" {
			t.Errorf("%v", r.Header)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, ncpSENSSample.Sent)
	})
	if o := messengertest.Send(t.Context(), t, ncpSENSSample.At(t, base), ncpSENSSample.Message); o.Kind != messenger.Sent || got == "" || got != want {
		t.Errorf("%q, want %q: %+v", got, want, o)
	}
}

// TestPresets makes each preset.
func TestPresets(t *testing.T) {
	all := Presets(func(string) call.Endpoint { return call.Endpoint{} })
	if len(all) != 4 {
		t.Errorf("%d presets", len(all))
	}
	for _, m := range all {
		if s := m.Spec(); s.Title == s.Name || s.Credential.Hint == "" || !s.Credential.Secret {
			t.Errorf("%+v", s)
		}
	}
}
