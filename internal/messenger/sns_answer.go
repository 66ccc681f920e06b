package messenger

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// An snsReply is what SNS's answer says, of success or an error. The zero snsReply
// stands for what is not SNS's.
type snsReply struct {
	XMLName   xml.Name
	MessageID string `xml:"PublishResult>MessageId"`
	OptedOut  string `xml:"CheckIfPhoneNumberIsOptedOutResult>isOptedOut"`
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"`
}

// readSNS reads one XML document and nothing after it.
func readSNS(r reply) snsReply {
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
		if space, is := token.(xml.CharData); err != nil || !is || len(bytes.TrimSpace(space)) > 0 {
			return snsReply{}
		}
	}
}

// refuse makes of what the status says what SNS's error says.
func (s snsReply) refuse(o Outcome) Outcome {
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
		o = o.as(means)
	}
	return o
}

// snsErrors says what SNS's errors mean
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and CommonErrors.html).
// An error that is not here means what the HTTP status does.
var snsErrors = map[string]meaning{
	"Throttling":           {kind: Paused},
	"ThrottlingException":  {kind: Paused},
	"Throttled":            {kind: Paused},
	"RequestLimitExceeded": {kind: Paused},

	"InternalError":      {kind: Retry},
	"InternalFailure":    {kind: Retry},
	"ServiceUnavailable": {kind: Retry},
	"RequestExpired":     {kind: Retry}, // our clock is wrong, and may be set

	"InvalidParameter":      {Failed, DestinationScope}, // but for one about the message
	"InvalidParameterValue": {Failed, DestinationScope},
	"OptedOut":              {Failed, DestinationScope},

	"AuthorizationError":          {Failed, CredentialScope},
	"AccessDenied":                {Failed, CredentialScope},
	"AccessDeniedException":       {Failed, CredentialScope},
	"InvalidClientTokenId":        {Failed, CredentialScope},
	"UnrecognizedClientException": {Failed, CredentialScope},
	"SignatureDoesNotMatch":       {Failed, CredentialScope},
	"IncompleteSignature":         {Failed, CredentialScope},
	"MissingAuthenticationToken":  {Failed, CredentialScope},
	"NotAuthorized":               {Failed, CredentialScope},
	"OptInRequired":               {Failed, CredentialScope},
	"InvalidSecurity":             {Failed, CredentialScope},
}
