package messenger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/services/mockup"
)

const snsCredential = "AKIAEXAMPLE:SECRET/+secret/0123456789:ap-northeast-2"

var snsSample = sample{
	make:            maker(NewSNS),
	message:         Message{DeliveryID: 7, Credential: snsCredential, Destination: "+821012345678", Text: "[normal] node1 down"},
	sent:            `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId></PublishResult><ResponseMetadata><RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata></PublishResponse>`,
	messageID:       "567910cd-659e-55d4-8ccb-5aaf14679dc0",
	refused:         `<PublishResponse><PublishResult></PublishResult></PublishResponse>`,
	shortCredential: "AKIA:a:us-east-1",
}

func TestSNSPromises(t *testing.T) { verifyPromises(t, snsSample) }

func TestSNSFake(t *testing.T) { verifyFake(t, mockup.New(nil), snsSample) }

// signature matches the part of an Authorization header that depends on the host, and
// so on the test's port.
var signature = regexp.MustCompile(`Signature=[0-9a-f]{64}`)

func TestSNSRequest(t *testing.T) {
	for name, m := range map[string]Message{"plain": plainMessage(snsCredential, "+821012345678"), "full": full(snsCredential, "+821012345678")} {
		got := wire(t, snsSample, m, false)
		golden(t, "sns/"+name, signature.ReplaceAll(got, []byte("Signature=…")))
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
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = r.Header.Get("Authorization")
		canonical := fmt.Sprintf("POST\n/\n\ncontent-length:%d\ncontent-type:%s\nhost:%s\nx-amz-date:%s\n\ncontent-length;content-type;host;x-amz-date\n%s",
			len(body), r.Header.Get("Content-Type"), r.Host, r.Header.Get("X-Amz-Date"), hash(string(body)))
		key := []byte("AWS4SECRET/+secret/0123456789")
		for _, part := range []string{"20260301", "ap-northeast-2", "sns", "aws4_request"} {
			key = mac(key, part)
		}
		want = hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n20260301T120000Z\n20260301/ap-northeast-2/sns/aws4_request\n"+hash(canonical)))
		_, _ = io.WriteString(w, snsSample.sent)
	})
	if o := send(t.Context(), t, snsSample.at(t, base), snsSample.message); o.Kind != Sent {
		t.Fatalf("%+v", o)
	}
	if !strings.HasSuffix(sent, "Signature="+want) || !strings.Contains(sent, "Credential=AKIAEXAMPLE/20260301/ap-northeast-2/sns/aws4_request") {
		t.Errorf("%s, want %s", sent, want)
	}
}

func TestSNSCut(t *testing.T) {
	m := plainMessage(snsCredential, "+821012345678")
	m.Text = strings.Repeat("x", 1601)
	if got := string(wire(t, snsSample, m, true)); !strings.Contains(got, "Message="+strings.Repeat("x", 1599)+"%E2%80%A6&") {
		t.Errorf("%s", got)
	}
}

func TestSNSAnswers(t *testing.T) {
	refusal := func(code, message string) string {
		return `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>` + code + `</Code><Message>` + message + `</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	}
	failed := func(scope Scope, code string) Outcome { return Outcome{Kind: Failed, Scope: scope, Code: code} }
	unreadable := Outcome{Kind: Unknown, Code: "unreadable_answer"}
	sent := Outcome{Kind: Sent, MessageID: "m"}
	rows := []answered{
		{200, nil, `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`, sent},
		{200, nil, "<?xml version=\"1.0\"?>\n<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>\n", sent},
		{200, nil, `<OtherResponse><PublishResult><MessageId>m</MessageId></PublishResult></OtherResponse>`, unreadable},
		{200, nil, `<PublishResponse><MessageId>m</MessageId></PublishResponse>`, unreadable},
		{200, nil, `<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse><x/>`, unreadable},
		{200, nil, `{"MessageId":"m"}`, unreadable},
		{400, nil, refusal("Throttling", "Rate exceeded"), Outcome{Kind: Paused, Code: "Throttling"}},
		{429, retryLater, refusal("Throttled", "slow"), Outcome{Kind: Paused, Code: "Throttled", RetryAfter: later}},
		{429, retryLater, refusal("InvalidParameter", "x"), Outcome{Kind: Paused, Code: "InvalidParameter", RetryAfter: later}},
		{400, nil, refusal("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +1 is not valid to publish to"), failed(DestinationScope, "InvalidParameter")},
		{400, nil, refusal("InvalidParameter", "Invalid parameter: Message too long"), failed(MessageScope, "InvalidParameter")},
		{400, nil, refusal("InvalidParameter", "Invalid parameter: Empty message"), failed(MessageScope, "InvalidParameter")},
		{400, nil, refusal("ValidationError", "x"), failed(MessageScope, "ValidationError")},
		{403, nil, refusal("NeverHeardOf", "x"), failed(CredentialScope, "NeverHeardOf")},
		{500, nil, refusal("InternalError", "x"), Outcome{Kind: Retry, Code: "InternalError"}},
		{503, retryLater, "", Outcome{Kind: Retry, Code: "http_503", RetryAfter: later}},
		{400, nil, refusal("RequestExpired", "x"), Outcome{Kind: Retry, Code: "RequestExpired"}},
		{404, nil, "<html><p>", failed(MessageScope, "http_404")},
	}
	for want, codes := range map[classification][]string{
		meansPaused:       {"Throttling", "ThrottlingException", "Throttled", "RequestLimitExceeded"},
		meansRetry:        {"InternalError", "InternalFailure", "ServiceUnavailable"},
		destinationFailed: {"InvalidParameter", "InvalidParameterValue", "OptedOut"},
		credentialFailed: {"AuthorizationError", "AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "UnrecognizedClientException",
			"SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken", "NotAuthorized", "OptInRequired", "InvalidSecurity"},
	} {
		for _, code := range codes {
			rows = append(rows, answered{400, nil, refusal(code, "no"), classify(Outcome{Code: code}, want)})
		}
	}
	meanings(t, snsSample, rows)
}

func TestSNSVerify(t *testing.T) {
	says := func(word string) map[string]string {
		return map[string]string{"POST /": `<CheckIfPhoneNumberIsOptedOutResponse><CheckIfPhoneNumberIsOptedOutResult><isOptedOut>` + word + `</isOptedOut></CheckIfPhoneNumberIsOptedOutResult></CheckIfPhoneNumberIsOptedOutResponse>`}
	}
	failed := func(scope Scope, code string) Outcome { return Outcome{Kind: Failed, Scope: scope, Code: code} }
	unreadable := Outcome{Kind: Unknown, Code: "unreadable_answer"}
	looks(t, snsSample, snsCredential, "+14155552671", map[string]look{
		"in":      {answers: says("false"), want: Outcome{Kind: Sent}},
		"out":     {answers: says("true"), want: failed(DestinationScope, "opted_out")},
		"perhaps": {answers: says("perhaps"), want: unreadable},
		"sent":    {answers: map[string]string{"POST /": snsSample.sent}, want: unreadable},
		"no key": {answers: map[string]string{"POST /": `<ErrorResponse><Error><Code>InvalidClientTokenId</Code></Error></ErrorResponse>`},
			status: map[string]int{"POST /": 403}, want: failed(CredentialScope, "InvalidClientTokenId")},
	})
	looks(t, snsSample, "AKIA:SECRET", "+821012345678", map[string]look{"no region": {want: failed(CredentialScope, "invalid_credential")}})
}

func TestSNSSettings(t *testing.T) {
	checks(t, SNS{}.Spec().Credential, map[string]bool{
		snsCredential: true, "AKIAX:a:b:us-gov-east-1": true, "AKIAX:s:cn-north-1": true,
		"": false, "AKIAX": false, "AKIAX:s": false, "AKIAX::us-east-1": false, "akiax:s:us-east-1": false, "AKIAX:s s:us-east-1": false,
		"AKIAX:s:evil.example": false, "AKIAX:s:us-east-1.evil.example/": false, "AKIAX:s:us-east-1#": false,
	})
}

// TestSNSRegions verifies that a region is only ever part of an Amazon host name.
func TestSNSRegions(t *testing.T) {
	for region, want := range map[string]string{
		"ap-northeast-2": "https://sns.ap-northeast-2.amazonaws.com/", "cn-north-1": "https://sns.cn-north-1.amazonaws.com.cn/",
	} {
		if a, err := parseSNS("AKIAX:s:" + region); err != nil || a.url() != want {
			t.Errorf("%s: %s, %v", region, a.url(), err)
		}
	}
}
