package messenger

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// An snsReply is the body of a response, of success or an error. The zero snsReply
// stands for a response that is not from SNS.
type snsReply struct {
	XMLName   xml.Name
	MessageID string `xml:"PublishResult>MessageId"`
	OptedOut  string `xml:"CheckIfPhoneNumberIsOptedOutResult>isOptedOut"`
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"`
}

// readSNS decodes one XML document, and returns the zero snsReply if anything follows
// it.
func readSNS(r response) snsReply {
	var s snsReply
	d := xml.NewDecoder(bytes.NewReader(r.body))
	if r.err != nil || d.Decode(&s) != nil {
		return snsReply{}
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return s
		}
		if space, ok := token.(xml.CharData); err != nil || !ok || len(bytes.TrimSpace(space)) > 0 {
			return snsReply{}
		}
	}
}

// classifyError refines the outcome of the HTTP status by SNS's error code.
func (s snsReply) classifyError(o Outcome) Outcome {
	if s.Code == "" {
		return o
	}
	o.Code = s.Code
	means, known := snsErrors[s.Code]
	switch {
	case o.Kind == Paused || !known:
	case s.Code == "InvalidParameter" && (strings.Contains(s.Message, "Message") || strings.Contains(s.Message, "message")):
		o.Kind, o.Scope = Failed, MessageScope // "Invalid parameter: Message too long"
	default:
		o = classify(o, means)
	}
	return o
}

// snsErrors classifies SNS's error codes
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and CommonErrors.html).
// Other errors are classified by their HTTP status.
var snsErrors = map[string]classification{
	"Throttling":           meansPaused,
	"ThrottlingException":  meansPaused,
	"Throttled":            meansPaused,
	"RequestLimitExceeded": meansPaused,

	"InternalError":      meansRetry,
	"InternalFailure":    meansRetry,
	"ServiceUnavailable": meansRetry,
	"RequestExpired":     meansRetry, // the local clock is wrong, and may be corrected

	"InvalidParameter":      destinationFailed, // except for an error about the message
	"InvalidParameterValue": destinationFailed,
	"OptedOut":              destinationFailed,

	"AuthorizationError":          credentialFailed,
	"AccessDenied":                credentialFailed,
	"AccessDeniedException":       credentialFailed,
	"InvalidClientTokenId":        credentialFailed,
	"UnrecognizedClientException": credentialFailed,
	"SignatureDoesNotMatch":       credentialFailed,
	"IncompleteSignature":         credentialFailed,
	"MissingAuthenticationToken":  credentialFailed,
	"NotAuthorized":               credentialFailed,
	"OptInRequired":               credentialFailed,
	"InvalidSecurity":             credentialFailed,
}
