package mockup

import (
	"encoding/xml"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// snsNamespace is the namespace of SNS's responses.
const snsNamespace = "http://sns.amazonaws.com/doc/2010-03-31/"

// snsAuth matches the Authorization header of a signed call. The fake has no secrets,
// so it validates only the form of a signature.
var snsAuth = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([A-Z0-9]+)/([0-9]{8})/([a-z0-9-]+)/sns/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$`)

// sns handles the Query API of Amazon SNS: Publish to a phone number, and
// CheckIfPhoneNumberIsOptedOut. Numbers that end with 0000 have opted out.
func (m *Mockup) sns(r *http.Request, body []byte) response {
	if code, why := m.snsSigned(r); code != "" {
		return m.snsError(http.StatusForbidden, code, why)
	}
	form, err := url.ParseQuery(string(body))
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" || len(body) > maxBody {
		return m.snsError(http.StatusBadRequest, "MalformedInput", "")
	}
	if form.Get("Version") != "2010-03-31" {
		return m.snsError(http.StatusBadRequest, "InvalidAction", "Could not find operation "+form.Get("Action")+" for version "+form.Get("Version"))
	}
	switch form.Get("Action") {
	case "Publish":
		return m.snsPublish(form)
	case "CheckIfPhoneNumberIsOptedOut":
		if !phoneNumber.MatchString(form.Get("phoneNumber")) {
			return m.snsError(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: input incorrectly formatted")
		}
		return m.snsResponse("CheckIfPhoneNumberIsOptedOut", fmt.Sprintf("<isOptedOut>%t</isOptedOut>", optedOut(form.Get("phoneNumber"))))
	default:
		return m.snsError(http.StatusBadRequest, "InvalidAction", "The action or operation requested is invalid.")
	}
}

// snsSigned returns SNS's error for a call without a valid signature, or "".
func (m *Mockup) snsSigned(r *http.Request) (code, why string) {
	header, date := r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date")
	if header == "" {
		return "MissingAuthenticationToken", "Request is missing Authentication Token"
	}
	parts := snsAuth.FindStringSubmatch(header)
	at, err := time.Parse("20060102T150405Z", date)
	switch {
	case parts == nil || err != nil:
		return "IncompleteSignature", "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters, and an X-Amz-Date."
	case !strings.HasPrefix(date, parts[2]) || !strings.Contains(";"+parts[4]+";", ";host;") || !strings.Contains(";"+parts[4]+";", ";x-amz-date;"):
		return "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided."
	case at.Sub(m.Now()).Abs() > 15*time.Minute: // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
		return "SignatureDoesNotMatch", "Signature expired: " + date + " is now earlier or later than allowed (15 min.)"
	case !strings.HasPrefix(parts[1], "AKIA"):
		return "InvalidClientTokenId", "The security token included in the request is invalid."
	}
	return "", ""
}

// snsPublish accepts a message for a phone number.
func (m *Mockup) snsPublish(form url.Values) response {
	number, message := form.Get("PhoneNumber"), form.Get("Message")
	switch {
	case !phoneNumber.MatchString(number):
		return m.snsError(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: "+number+" is not valid to publish to")
	case message == "":
		return m.snsError(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: Empty message")
	case unitsOf(message) > smsLimit:
		return m.snsError(http.StatusBadRequest, "InvalidParameter", "Invalid parameter: Message too long")
	case optedOut(number):
		return m.snsError(http.StatusBadRequest, "OptedOut", "The phone number has opted out of receiving messages.")
	}
	if m.takeLimit("sns", 20, 20) > 0 { // the quota of an account; the fake has one account
		return m.snsError(http.StatusBadRequest, "Throttling", "Rate exceeded")
	}
	return m.snsResponse("Publish", "<MessageId>"+m.uuid()+"</MessageId>")
}

func optedOut(number string) bool { return strings.HasSuffix(number, "0000") }

// uuid returns an id in SNS's form.
func (m *Mockup) uuid() string {
	at := m.uniqueMicros()
	return fmt.Sprintf("00000000-0000-5000-%04x-%012x", 0x8000|at>>48, at&(1<<48-1))
}

func (m *Mockup) snsResponse(action, result string) response {
	return snsXML(http.StatusOK, fmt.Sprintf("<%sResponse xmlns=%q><%sResult>%s</%sResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>",
		action, snsNamespace, action, result, action, m.uuid(), action))
}

func (m *Mockup) snsError(status int, code, message string) response {
	var escaped strings.Builder
	_ = xml.EscapeText(&escaped, []byte(message)) // a Builder returns no error
	return snsXML(status, fmt.Sprintf("<ErrorResponse xmlns=%q><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>",
		snsNamespace, code, &escaped, m.uuid()))
}

func snsXML(status int, body string) response {
	return response{status: status, headers: map[string]string{"Content-Type": "text/xml"}, body: body}
}
