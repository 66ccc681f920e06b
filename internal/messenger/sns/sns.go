// Package sns sends SMS by Amazon SNS. Documentation:
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html.
//
// Limits: 20 messages a second per account, unless AWS raised it; a text has at most 1,600
// characters. A message costs money. Calls are signed by Signature Version 4.
//
// Outcomes: Sent needs the id of the message in the XML of the response. The error code
// determines whether a failure is about the key or the number; other codes are classified
// by their status.
package sns

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Messenger sends SMS by Publish of Amazon SNS.
type Messenger struct{ endpoint call.Endpoint }

var _ messenger.Verifier = Messenger{}

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// Spec describes an address at Amazon SNS.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "sns",
		Title: "SMS (Amazon SNS)",
		Credential: messenger.Setting{
			Label:  "Access key",
			Hint:   "AKIA…:secret:region, such as AKIA…:…:ap-northeast-2: the key of an IAM user with sns:Publish and, for verification, sns:CheckIfPhoneNumberIsOptedOut",
			Secret: true,
			Check:  messenger.CheckBy(parseAccessKey),
		},
		Destination: messenger.PhoneSetting,
		Costly:      true,
		Verifiable:  true,
		Limits:      messenger.Limits{Credential: accountRate},
	}
}

// accountRate is the SMS quota of an account: 20 a second, which AWS raises on request
// (https://docs.aws.amazon.com/general/latest/gr/sns.html; unverified, and lower by
// country and origination number).
var accountRate = ratelimit.Rate{Count: 20, Per: time.Second}

// An accessKey is a parsed credential.
type accessKey struct{ key, secret, region string }

var (
	keyPattern    = regexp.MustCompile(`^[A-Z0-9]{4,128}$`)
	regionPattern = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
)

// parseAccessKey parses a credential. Its error does not quote it.
func parseAccessKey(value string) (accessKey, error) {
	key, rest, _ := strings.Cut(value, ":")
	last := strings.LastIndex(rest, ":")
	if last < 0 || !keyPattern.MatchString(key) || messenger.CheckToken(rest[:last]) != nil || !regionPattern.MatchString(rest[last+1:]) {
		return accessKey{}, errors.New("must be AKIA…:secret:region, the region such as ap-northeast-2")
	}
	return accessKey{key, rest[:last], rest[last+1:]}, nil
}

// url returns the endpoint of the region
// (https://docs.aws.amazon.com/general/latest/gr/sns.html).
func (a accessKey) url() string {
	if strings.HasPrefix(a.region, "cn-") {
		return "https://sns." + a.region + ".amazonaws.com.cn/"
	}
	return "https://sns." + a.region + ".amazonaws.com/"
}

// Send publishes the message to the number. Sent means that SNS accepted it; delivery
// is reported in the account's own logs only.
func (s Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	text, cut := m.SMS(s.endpoint.MaxSMSSegments)
	o := s.callAPI(ctx, m.Credential, url.Values{
		"Action":      {"Publish"},
		"PhoneNumber": {m.Destination},
		"Message":     {text},
		// Transactional is the most reliable type; the account's default may be another
		// (https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html).
		"MessageAttributes.entry.1.Name":              {"AWS.SNS.SMS.SMSType"},
		"MessageAttributes.entry.1.Value.DataType":    {"String"},
		"MessageAttributes.entry.1.Value.StringValue": {"Transactional"},
	}, func(res reply, o messenger.Outcome) messenger.Outcome {
		if res.XMLName.Local == "PublishResponse" && res.MessageID != "" {
			o.Kind, o.Code, o.MessageID = messenger.Sent, "", res.MessageID
		}
		return o
	})
	o.Truncated = cut
	return o
}

// Verify checks whether the number has opted out, which also validates the key.
func (s Messenger) Verify(ctx context.Context, credential, destination string) messenger.Outcome {
	return s.callAPI(ctx, credential, url.Values{
		"Action":      {"CheckIfPhoneNumberIsOptedOut"},
		"phoneNumber": {destination}, // SNS spells it in lower case
	}, func(res reply, o messenger.Outcome) messenger.Outcome {
		switch {
		case res.XMLName.Local != "CheckIfPhoneNumberIsOptedOutResponse":
		case res.OptedOut == "false":
			o.Kind, o.Code = messenger.Sent, ""
		case res.OptedOut == "true":
			o.Kind, o.Scope, o.Code = messenger.Failed, messenger.DestinationScope, "opted_out"
		}
		return o
	})
}

// callAPI makes one call of the Query API. taken refines the outcome of a 2xx response.
func (s Messenger) callAPI(ctx context.Context, credential string, form url.Values, taken func(reply, messenger.Outcome) messenger.Outcome) messenger.Outcome {
	access, err := parseAccessKey(credential)
	if err != nil {
		return call.BadCredential(err)
	}
	form.Set("Version", "2010-03-31")
	body := []byte(form.Encode())
	header, err := access.sign(ctx, s.endpoint.URLOf(access.url()), body, s.endpoint.Now())
	if err != nil {
		return s.endpoint.Outcome(call.Response{InvalidURL: true})
	}
	r := s.endpoint.Post(ctx, access.url(), body, header)
	o, res := s.endpoint.Outcome(r), readReply(r)
	if o.IsSuccess() {
		o = taken(res, o)
	} else {
		o = res.classifyError(o)
	}
	return call.Redact(o, credential, access.secret)
}

// sign returns the header of a call to at, signed by Signature Version 4.
func (a accessKey) sign(ctx context.Context, at string, body []byte, now time.Time) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	hash := sha256.Sum256(body)
	who := aws.Credentials{AccessKeyID: a.key, SecretAccessKey: a.secret}
	err = v4.NewSigner().SignHTTP(ctx, who, req, hex.EncodeToString(hash[:]), "sns", a.region, now)
	return req.Header, err
}
