package mockup

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's choice; HMAC-SHA1 is not broken
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// twilioUndeliverable is in the numbers for which Twilio accepts a message that is never
// delivered: +…530003 is an unreachable handset, with error 30003.
const twilioUndeliverable = "5300"

// twilioCallbacks returns Twilio's callbacks for a message: queued, sent, delivered; or
// undelivered, with an error, for the numbers that end with 53000 and a digit. Fields:
// https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
func twilioCallbacks(at, sid, token, message string, sent url.Values) callback {
	say := func(status, code string) url.Values {
		form := url.Values{
			"MessageSid": {message}, "SmsSid": {message}, "AccountSid": {sid}, "ApiVersion": {"2010-04-01"},
			"MessageStatus": {status}, "SmsStatus": {status}, "To": {sent.Get("To")},
		}
		for _, name := range []string{"From", "MessagingServiceSid"} {
			if sent.Has(name) {
				form.Set(name, sent.Get(name))
			}
		}
		if code != "" {
			form.Set("ErrorCode", code)
		}
		return form
	}
	last := say("delivered", "")
	if _, digits, ok := strings.Cut(sent.Get("To"), twilioUndeliverable); ok && len(digits) == 2 && digits[0] == '0' {
		last = say("undelivered", "300"+digits)
	}
	return callback{
		at:    at,
		forms: []url.Values{say("queued", ""), say("sent", ""), last},
		sign: func(at string, form url.Values) http.Header {
			return http.Header{"X-Twilio-Signature": {twilioSignature(at, form, token)}}
		},
	}
}

// twilioSignature returns the signature as Twilio computes it
// (https://www.twilio.com/docs/usage/security#validating-requests): of the URL, and of
// all parameters with their values, sorted by name.
func twilioSignature(at string, form url.Values, token string) string {
	signed := hmac.New(sha1.New, []byte(token))
	signed.Write([]byte(at))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		signed.Write([]byte(name + strings.Join(form[name], "")))
	}
	return base64.StdEncoding.EncodeToString(signed.Sum(nil))
}
