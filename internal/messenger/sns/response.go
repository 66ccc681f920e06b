package sns

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A reply is the body of a response, of success or an error. The zero reply
// stands for a response that is not from SNS.
type reply struct {
	XMLName   xml.Name
	MessageID string `xml:"PublishResult>MessageId"`
	OptedOut  string `xml:"CheckIfPhoneNumberIsOptedOutResult>isOptedOut"`
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"`
}

// readReply decodes one XML document, and returns the zero reply if anything follows
// it.
func readReply(r call.Response) reply {
	var s reply
	d := xml.NewDecoder(bytes.NewReader(r.Body))
	if r.Err != nil || d.Decode(&s) != nil {
		return reply{}
	}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return s
		}
		if space, ok := token.(xml.CharData); err != nil || !ok || len(bytes.TrimSpace(space)) > 0 {
			return reply{}
		}
	}
}

// classifyError refines the outcome of the HTTP status by SNS's error code.
func (s reply) classifyError(o messenger.Outcome) messenger.Outcome {
	if s.Code == "" {
		return o
	}
	o.Code = s.Code
	means, known := errorCodes[s.Code]
	switch {
	case o.Kind == messenger.Paused || !known:
	case s.Code == "InvalidParameter" && (strings.Contains(s.Message, "Message") || strings.Contains(s.Message, "message")):
		o.Kind, o.Scope = messenger.Failed, messenger.MessageScope // "Invalid parameter: Message too long"
	default:
		o = call.Classify(o, means)
	}
	return o
}

// errorCodes classifies SNS's error codes
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and CommonErrors.html).
// Other errors are classified by their HTTP status.
var errorCodes = map[string]call.Classification{
	"Throttling":           call.Paused,
	"ThrottlingException":  call.Paused,
	"Throttled":            call.Paused,
	"RequestLimitExceeded": call.Paused,

	"InternalError":      call.Retry,
	"InternalFailure":    call.Retry,
	"ServiceUnavailable": call.Retry,
	"RequestExpired":     call.Retry, // the local clock is wrong, and may be corrected

	"InvalidParameter":      call.DestinationFailed, // except for an error about the message
	"InvalidParameterValue": call.DestinationFailed,
	"OptedOut":              call.DestinationFailed,

	"AuthorizationError":          call.CredentialFailed,
	"AccessDenied":                call.CredentialFailed,
	"AccessDeniedException":       call.CredentialFailed,
	"InvalidClientTokenId":        call.CredentialFailed,
	"UnrecognizedClientException": call.CredentialFailed,
	"SignatureDoesNotMatch":       call.CredentialFailed,
	"IncompleteSignature":         call.CredentialFailed,
	"MissingAuthenticationToken":  call.CredentialFailed,
	"NotAuthorized":               call.CredentialFailed,
	"OptInRequired":               call.CredentialFailed,
	"InvalidSecurity":             call.CredentialFailed,
}
