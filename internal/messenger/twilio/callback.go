package twilio

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // Twilio's choice; HMAC-SHA1 is not broken
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// CallbackPath is the path prefix of Twilio's callbacks. The delivery id follows it.
const CallbackPath = "/v1/callbacks/twilio/"

// Callback returns the callback URL of a delivery.
func (t Messenger) Callback(delivery int64) string {
	return strings.TrimRight(t.endpoint.CallbackURL, "/") + CallbackPath + strconv.FormatInt(delivery, 10)
}

// ParseReceipt parses the form and the header X-Twilio-Signature of a request to
// Callback(delivery). It must be signed with the auth token of the credential that the
// delivery was sent with; otherwise, and if it is not a status callback, it
// returns fault.ErrInvalid. The signature covers the URL, and so the delivery. Fields:
// https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
func (t Messenger) ParseReceipt(delivery int64, form url.Values, signature, credential string) (messenger.Receipt, error) {
	account, err := parseAccount(credential)
	if err != nil {
		return messenger.Receipt{}, fault.Invalidf("credential of the delivery %w", err)
	}
	if !hmac.Equal([]byte(signature), []byte(sign(t.Callback(delivery), form, account.token))) {
		return messenger.Receipt{}, fault.Invalidf("X-Twilio-Signature does not match the account for %s", t.Callback(delivery))
	}
	r := messenger.Receipt{MessageID: form.Get("MessageSid"), Status: form.Get("MessageStatus")}
	if r.MessageID == "" || r.Status == "" {
		return messenger.Receipt{}, fault.Invalidf("MessageSid and MessageStatus are required")
	}
	r.Outcome = messenger.Outcome{Kind: messenger.Sent, Status: http.StatusOK, MessageID: r.MessageID, Excerpt: r.Status}
	switch r.Status {
	case "delivered", "read":
		r.Final = true
	case "undelivered", "failed", "canceled":
		code, _ := strconv.Atoi(form.Get("ErrorCode")) // optional
		r.Final = true
		r.Outcome.Kind, r.Outcome.Scope, r.Outcome.Code = messenger.Failed, messenger.MessageScope, r.Status
		r.Outcome = classifyError(r.Outcome, code)
		r.Outcome.Excerpt = strings.TrimSpace(r.Status + " " + form.Get("ErrorMessage"))
	}
	r.Outcome = call.Redact(r.Outcome, account.secrets(credential)...)
	r.MessageID, r.Status = r.Outcome.MessageID, call.CleanCode(r.Status)
	return r, nil
}

// sign signs a callback as Twilio does: the URL, then the parameters with
// their values, sorted by name
// (https://www.twilio.com/docs/usage/security#validating-requests). A repeated value
// counts once, as in Twilio's own libraries.
func sign(callback string, form url.Values, token string) string {
	signed := hmac.New(sha1.New, []byte(token))
	signed.Write([]byte(callback))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			signed.Write([]byte(name + value))
		}
	}
	return base64.StdEncoding.EncodeToString(signed.Sum(nil))
}
