package messenger

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

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// SNS sends SMS by Publish of Amazon SNS.
type SNS struct{ endpoint Endpoint }

var _ Verifier = SNS{}

// NewSNS returns a messenger that calls by an endpoint.
func NewSNS(e Endpoint) SNS { return SNS{endpoint: e} }

// Spec describes an address at Amazon SNS.
func (SNS) Spec() Spec {
	return Spec{
		Name:  "sns",
		Title: "SMS (Amazon SNS)",
		Credential: Setting{
			Label:  "Access key",
			Hint:   "AKIA…:secret:region, such as AKIA…:…:ap-northeast-2: the key of an IAM user with sns:Publish and, for verification, sns:CheckIfPhoneNumberIsOptedOut",
			Secret: true,
			Check:  checkBy(parseSNS),
		},
		Destination: phoneSetting,
		Costly:      true,
		Verifiable:  true,
		Limits:      Limits{Credential: snsAccount},
	}
}

// snsAccount is the SMS quota of an account: 20 a second, which AWS raises on request
// (https://docs.aws.amazon.com/general/latest/gr/sns.html; unverified, and lower by
// country and origination number).
var snsAccount = ratelimit.Rate{Count: 20, Per: time.Second}

// An snsAccess is a parsed credential.
type snsAccess struct{ key, secret, region string }

var (
	snsKey    = regexp.MustCompile(`^[A-Z0-9]{4,128}$`)
	snsRegion = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
)

// parseSNS parses a credential. Its error does not quote it.
func parseSNS(value string) (snsAccess, error) {
	key, rest, _ := strings.Cut(value, ":")
	last := strings.LastIndex(rest, ":")
	if last < 0 || !snsKey.MatchString(key) || checkToken(rest[:last]) != nil || !snsRegion.MatchString(rest[last+1:]) {
		return snsAccess{}, errors.New("must be AKIA…:secret:region, the region such as ap-northeast-2")
	}
	return snsAccess{key, rest[:last], rest[last+1:]}, nil
}

// url returns the endpoint of the region
// (https://docs.aws.amazon.com/general/latest/gr/sns.html).
func (a snsAccess) url() string {
	if strings.HasPrefix(a.region, "cn-") {
		return "https://sns." + a.region + ".amazonaws.com.cn/"
	}
	return "https://sns." + a.region + ".amazonaws.com/"
}

// Send publishes the message to the number. Sent means that SNS accepted it; delivery
// is reported in the account's own logs only.
func (s SNS) Send(ctx context.Context, m Message) Outcome {
	text, cut := m.sms()
	o := s.ask(ctx, m.Credential, url.Values{
		"Action":      {"Publish"},
		"PhoneNumber": {m.Destination},
		"Message":     {text},
		// Transactional is the most reliable type; the account's default may be another
		// (https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html).
		"MessageAttributes.entry.1.Name":              {"AWS.SNS.SMS.SMSType"},
		"MessageAttributes.entry.1.Value.DataType":    {"String"},
		"MessageAttributes.entry.1.Value.StringValue": {"Transactional"},
	}, func(res snsReply, o Outcome) Outcome {
		if res.XMLName.Local == "PublishResponse" && res.MessageID != "" {
			o.Kind, o.Code, o.MessageID = Sent, "", res.MessageID
		}
		return o
	})
	o.Truncated = cut
	return o
}

// Verify checks whether the number has opted out, which also validates the key.
func (s SNS) Verify(ctx context.Context, credential, destination string) Outcome {
	return s.ask(ctx, credential, url.Values{
		"Action":      {"CheckIfPhoneNumberIsOptedOut"},
		"phoneNumber": {destination}, // SNS spells it in lower case
	}, func(res snsReply, o Outcome) Outcome {
		switch {
		case res.XMLName.Local != "CheckIfPhoneNumberIsOptedOutResponse":
		case res.OptedOut == "false":
			o.Kind, o.Code = Sent, ""
		case res.OptedOut == "true":
			o.Kind, o.Scope, o.Code = Failed, DestinationScope, "opted_out"
		}
		return o
	})
}

// ask makes one call of the Query API. taken refines the outcome of a 2xx response.
func (s SNS) ask(ctx context.Context, credential string, form url.Values, taken func(snsReply, Outcome) Outcome) Outcome {
	access, err := parseSNS(credential)
	if err != nil {
		return badCredentialOutcome(err)
	}
	form.Set("Version", "2010-03-31")
	body := []byte(form.Encode())
	header, err := access.sign(ctx, s.endpoint.urlOf(access.url()), body, s.endpoint.Now())
	if err != nil {
		return s.endpoint.outcome(response{invalidURL: true})
	}
	r := s.endpoint.post(ctx, access.url(), body, header)
	o, res := s.endpoint.outcome(r), readSNS(r)
	if o.IsSuccess() {
		o = taken(res, o)
	} else {
		o = res.classifyError(o)
	}
	return redactOutcome(o, credential, access.secret)
}

// sign returns the header of a call to at, signed by Signature Version 4.
func (a snsAccess) sign(ctx context.Context, at string, body []byte, now time.Time) (http.Header, error) {
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
