package sns

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/services/mockup"
)

const testCredential = "AKIAEXAMPLE:SECRET/+secret/0123456789:ap-northeast-2"

var sample = messengertest.Sample{
	New:             messengertest.Maker(New),
	Message:         messenger.Message{DeliveryID: 7, Credential: testCredential, Destination: "+821012345678", Text: "[normal] node1 down"},
	Sent:            `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult><ResponseMetadata><RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata></PublishResponse>`,
	MessageID:       "567910cd-659e-55d4-8ccb-5aaf14679dc0",
	Refused:         `<PublishResponse><PublishResult></PublishResult></PublishResponse>`,
	ShortCredential: "AKIA:a:us-east-1",
}

func TestPromises(t *testing.T) { messengertest.Run(t, sample) }

func TestFake(t *testing.T) { messengertest.RunFake(t, mockup.New(nil), sample) }

// signature matches the part of an Authorization header that depends on the host, and
// so on the test's port.
var signature = regexp.MustCompile(`Signature=[0-9a-f]{64}`)

func TestSNSRequest(t *testing.T) {
	for name, m := range map[string]messenger.Message{"plain": messengertest.PlainMessage(testCredential, "+821012345678"), "full": messengertest.FullMessage(testCredential, "+821012345678")} {
		got := messengertest.Request(t, sample, m, false)
		messengertest.Golden(t, "sns/"+name, signature.ReplaceAll(got, []byte("Signature=…")))
	}
}

// TestSNSSignature computes the signature of a request again, step by step as in
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
func TestSNSSignature(t *testing.T) {
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		_, _ = h.Write([]byte(text))
		return h.Sum(nil)
	}
	hash := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	var sent, want string
	base := messengertest.Provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = r.Header.Get("Authorization")
		canonical := fmt.Sprintf("POST\n/\n\ncontent-length:%d\ncontent-type:%s\nhost:%s\nx-amz-date:%s\n\ncontent-length;content-type;host;x-amz-date\n%s",
			len(body), r.Header.Get("Content-Type"), r.Host, r.Header.Get("X-Amz-Date"), hash(string(body)))
		key := []byte("AWS4SECRET/+secret/0123456789")
		for _, part := range []string{"20260301", "ap-northeast-2", "sns", "aws4_request"} {
			key = mac(key, part)
		}
		want = hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n20260301T120000Z\n20260301/ap-northeast-2/sns/aws4_request\n"+hash(canonical)))
		_, _ = io.WriteString(w, sample.Sent)
	})
	if o := messengertest.Send(t.Context(), t, sample.At(t, base), sample.Message); o.Kind != messenger.Sent {
		t.Fatalf("%+v", o)
	}
	if !strings.HasSuffix(sent, "Signature="+want) || !strings.Contains(sent, "Credential=AKIAEXAMPLE/20260301/ap-northeast-2/sns/aws4_request") {
		t.Errorf("%s, want %s", sent, want)
	}
}

func TestSNSCut(t *testing.T) {
	m := messengertest.PlainMessage(testCredential, "+821012345678")
	m.Text = strings.Repeat("x", 1601)
	if got := string(messengertest.Request(t, sample, m, true)); !strings.Contains(got, "Message="+strings.Repeat("x", 1597)+"...&") {
		t.Errorf("%s", got)
	}
}

// TestSNSSegments bounds the segments of Korean and of ASCII.
func TestSNSSegments(t *testing.T) {
	bounded := sample
	bounded.New = func(e call.Endpoint) messenger.Messenger {
		e.MaxSMSSegments = 6
		return New(e)
	}
	m := messengertest.PlainMessage(testCredential, "+821012345678")
	for text, want := range map[string]string{
		strings.Repeat("봉", 402): strings.Repeat("봉", 402),
		strings.Repeat("봉", 403): strings.Repeat("봉", 401) + "…",
		strings.Repeat("x", 918): strings.Repeat("x", 918),
		strings.Repeat("x", 919): strings.Repeat("x", 915) + "...",
	} {
		m.Text = text
		if got := string(messengertest.Request(t, bounded, m, want != text)); !strings.Contains(got, "Message="+url.QueryEscape(want)+"&") {
			t.Errorf("%s", got)
		}
	}
}

func TestSNSResponses(t *testing.T) {
	refusal := func(code, message string) string {
		return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + message + `</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	}
	failed := func(scope messenger.Scope, code string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
	}
	unreadable := messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}
	sent := messenger.Outcome{Kind: messenger.Sent, MessageID: "m"}
	rows := []messengertest.Response{
		{200, nil, `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`, sent},
		{200, nil, "<?xml version=\"1.0\"?>\n<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>\n", sent},
		{200, nil, `<OtherResponse><PublishResult><MessageId>m</MessageId></PublishResult></OtherResponse>`, unreadable},
		{200, nil, `<PublishResponse><MessageId>m</MessageId></PublishResponse>`, unreadable},
		{200, nil, `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse><x/>`, unreadable},
		{200, nil, `{"MessageId":"m"}`, unreadable},
		{400, nil, refusal("Throttling", "Rate exceeded"), messenger.Outcome{Kind: messenger.Paused, Code: "Throttling"}},
		{429, messengertest.RetryLater, refusal("Throttled", "slow"), messenger.Outcome{Kind: messenger.Paused, Code: "Throttled", RetryAfter: messengertest.Later}},
		{429, messengertest.RetryLater, refusal("InvalidParameter", "x"), messenger.Outcome{Kind: messenger.Paused, Code: "InvalidParameter", RetryAfter: messengertest.Later}},
		{400, nil, refusal("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +1 is not valid to publish to"), failed(messenger.DestinationScope, "InvalidParameter")},
		{400, nil, refusal("InvalidParameter", "Invalid parameter: Message too long"), failed(messenger.MessageScope, "InvalidParameter")},
		{400, nil, refusal("InvalidParameter", "Invalid parameter: Empty message"), failed(messenger.MessageScope, "InvalidParameter")},
		{400, nil, refusal("ValidationError", "x"), failed(messenger.MessageScope, "ValidationError")},
		{403, nil, refusal("NeverHeardOf", "x"), failed(messenger.CredentialScope, "NeverHeardOf")},
		{500, nil, refusal("InternalError", "x"), messenger.Outcome{Kind: messenger.Retry, Code: "InternalError"}},
		{503, messengertest.RetryLater, "", messenger.Outcome{Kind: messenger.Retry, Code: "http_503", RetryAfter: messengertest.Later}},
		{400, nil, refusal("RequestExpired", "x"), messenger.Outcome{Kind: messenger.Retry, Code: "RequestExpired"}},
		{404, nil, "<html><p>", failed(messenger.MessageScope, "http_404")},
	}
	for want, codes := range map[call.Classification][]string{
		call.Paused:            {"Throttling", "ThrottlingException", "Throttled", "RequestLimitExceeded"},
		call.Retry:             {"InternalError", "InternalFailure", "ServiceUnavailable"},
		call.DestinationFailed: {"InvalidParameter", "InvalidParameterValue", "OptedOut"},
		call.CredentialFailed: {"AuthorizationError", "AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "UnrecognizedClientException",
			"SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken", "NotAuthorized", "OptInRequired", "InvalidSecurity"},
	} {
		for _, code := range codes {
			rows = append(rows, messengertest.Response{400, nil, refusal(code, "no"), call.Classify(messenger.Outcome{Code: code}, want)})
		}
	}
	messengertest.CheckOutcomes(t, sample, rows)
}

func TestSNSVerify(t *testing.T) {
	says := func(word string) map[string]string {
		return map[string]string{"POST /": `<CheckIfPhoneNumberIsOptedOutResponse><CheckIfPhoneNumberIsOptedOutResult><isOptedOut>` + word + `</isOptedOut></CheckIfPhoneNumberIsOptedOutResult></CheckIfPhoneNumberIsOptedOutResponse>`}
	}
	failed := func(scope messenger.Scope, code string) messenger.Outcome {
		return messenger.Outcome{Kind: messenger.Failed, Scope: scope, Code: code}
	}
	unreadable := messenger.Outcome{Kind: messenger.Unknown, Code: "unreadable_answer"}
	messengertest.CheckVerify(t, sample, testCredential, "+14155552671", map[string]messengertest.Verification{
		"in":      {Responses: says("false"), Want: messenger.Outcome{Kind: messenger.Sent}},
		"out":     {Responses: says("true"), Want: failed(messenger.DestinationScope, "opted_out")},
		"perhaps": {Responses: says("perhaps"), Want: unreadable},
		"sent":    {Responses: map[string]string{"POST /": sample.Sent}, Want: unreadable},
		"no key": {Responses: map[string]string{"POST /": `<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>`},
			Status: map[string]int{"POST /": 403}, Want: failed(messenger.CredentialScope, "InvalidClientTokenId")},
	})
	messengertest.CheckVerify(t, sample, "AKIA:SECRET", "+821012345678", map[string]messengertest.Verification{"no region": {Want: failed(messenger.CredentialScope, "invalid_credential")}})
}

func TestSNSSettings(t *testing.T) {
	messengertest.CheckSetting(t, Messenger{}.Spec().Credential, map[string]bool{
		testCredential: true, "AKIAX:a:b:us-gov-east-1": true, "AKIAX:s:cn-north-1": true,
		"": false, "AKIAX": false, "AKIAX:s": false, "AKIAX::us-east-1": false, "akiax:s:us-east-1": false, "AKIAX:s s:us-east-1": false,
		"AKIAX:s:evil.example": false, "AKIAX:s:us-east-1.evil.example/": false, "AKIAX:s:us-east-1#": false,
	})
}

// TestSNSRegions verifies that a region is only ever part of an Amazon host name.
func TestSNSRegions(t *testing.T) {
	for region, want := range map[string]string{
		"ap-northeast-2": "https://sns.ap-northeast-2.amazonaws.com/", "cn-north-1": "https://sns.cn-north-1.amazonaws.com.cn/",
	} {
		if a, err := parseAccessKey("AKIAX:s:" + region); err != nil || a.url() != want {
			t.Errorf("%s: %s, %v", region, a.url(), err)
		}
	}
}
