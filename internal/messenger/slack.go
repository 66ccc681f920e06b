package messenger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// Slack sends by chat.postMessage of Slack's Web API.
type Slack struct{ Endpoint }

var _ Messenger = Slack{}

// Spec describes an address on Slack.
func (Slack) Spec() Spec {
	return Spec{
		Name:  "slack",
		Title: "Slack",
		Credential: Setting{
			Label:  "Bot token",
			Hint:   "xoxb-…, from your Slack app's page OAuth & Permissions; the app needs the scope chat:write",
			Secret: true,
			Check:  checkToken,
		},
		Destination: Setting{
			Label: "Channel",
			Hint:  "a channel's id such as C0123456789, from the foot of its details; invite the app to the channel",
			Check: checkWord,
		},
		Limits: Limits{Destination: slackChannel},
	}
}

// slackChannel is what Slack's documentation says (https://docs.slack.dev/apis/web-api/rate-limits):
// chat.postMessage takes one message a second per channel, short bursts beyond it
// are allowed, and there is a limit of the workspace too, without a number. Limits
// hold "per API method per workspace per app", which is what a token stands for:
// so a 429 makes the whole credential wait.
var slackChannel = Rate{Count: 1, Per: time.Second, Burst: 3}

// Send posts the text to the channel. Slack cuts a text at 40,000 characters;
// ours have about 20,033 at most, so that only one made of little else than the
// characters it wants escaped could be cut.
func (s Slack) Send(ctx context.Context, m Message) Outcome {
	if err := checkToken(m.Credential); err != nil {
		return Outcome{Kind: Failed, Scope: CredentialScope, Code: "invalid_credential", Excerpt: err.Error()}
	}
	body := marshal(struct {
		Channel string `json:"channel"`
		Text    string `json:"text"`
	}{m.Destination, slackEscapes.Replace(m.Text)})
	r := s.post(ctx, "https://slack.com/api/chat.postMessage", body, http.Header{
		"Content-Type":  {"application/json"},
		"Authorization": {"Bearer " + m.Credential},
	})
	return readSlack(r).judge(s.outcome(r)).without(m.Credential)
}

// slackEscapes are the characters that mean something in Slack's text.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slackErrors says what Slack's errors mean. An error that is not here is about
// the message.
var slackErrors = map[string]struct {
	kind  Kind
	scope Scope
}{
	"ratelimited":  {kind: Paused},
	"rate_limited": {kind: Paused},

	"internal_error":      {kind: Retry},
	"request_timeout":     {kind: Retry},
	"service_unavailable": {kind: Retry},
	"fatal_error":         {kind: Unknown}, // "some aspect of the operation may have succeeded"

	"channel_not_found": {Failed, DestinationScope},
	"not_in_channel":    {Failed, DestinationScope},
	"is_archived":       {Failed, DestinationScope},
	"restricted_action": {Failed, DestinationScope}, // and all that begin with it

	"invalid_auth":              {Failed, CredentialScope},
	"not_authed":                {Failed, CredentialScope},
	"account_inactive":          {Failed, CredentialScope},
	"token_revoked":             {Failed, CredentialScope},
	"token_expired":             {Failed, CredentialScope},
	"missing_scope":             {Failed, CredentialScope},
	"no_permission":             {Failed, CredentialScope},
	"ekm_access_denied":         {Failed, CredentialScope},
	"access_denied":             {Failed, CredentialScope},
	"accesslimited":             {Failed, CredentialScope},
	"not_allowed_token_type":    {Failed, CredentialScope},
	"enterprise_is_restricted":  {Failed, CredentialScope},
	"two_factor_setup_required": {Failed, CredentialScope},

	"msg_too_long":   {Failed, MessageScope},
	"no_text":        {Failed, MessageScope},
	"invalid_blocks": {Failed, MessageScope},
}

// A slackReply is what Slack's answer says. A nil OK means that the answer is not
// Slack's.
type slackReply struct {
	OK    *bool
	Error string
	TS    string
}

// readSlack reads Slack's answer. Slack repeats the message after what counts, so
// that the answer to a long text is longer than what is read of it: where we cut
// it ourselves, its head is enough. An answer that broke off is not.
func readSlack(r reply) slackReply {
	var s slackReply
	d := json.NewDecoder(bytes.NewReader(r.body))
	err := s.decode(d)
	if err == nil || r.cut && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return s
	}
	return slackReply{}
}

// decode reads one JSON object and nothing after it.
func (s *slackReply) decode(d *json.Decoder) error {
	if brace, err := d.Token(); err != nil || brace != json.Delim('{') {
		return errors.Join(errors.New("not an object"), err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var value any = new(json.RawMessage)
		switch key {
		case "ok":
			value = &s.OK
		case "error":
			value = &s.Error
		case "ts":
			value = &s.TS
		}
		if err := d.Decode(value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than an object")
	}
	return nil
}

// judge makes of what the status says what the answer says: Sent only where both
// do, Paused where either does.
func (s slackReply) judge(o Outcome) Outcome {
	switch {
	case s.OK == nil:
		return o
	case *s.OK && o.Status >= 200 && o.Status < 300:
		o.Kind, o.Code, o.MessageID = Sent, "", s.TS
		return o
	case *s.OK:
		return o
	}
	success := o.Status >= 200 && o.Status < 300
	if s.Error != "" {
		o.Code = s.Error
	} else if success {
		o.Code = "unspecified_error"
	}
	name := s.Error
	if strings.HasPrefix(name, "restricted_action") {
		name = "restricted_action"
	}
	meaning, known := slackErrors[name]
	switch {
	case o.Kind == Paused:
	case known:
		o.Kind, o.Scope = meaning.kind, meaning.scope
	case success:
		o.Kind, o.Scope = Failed, MessageScope
	}
	return o
}
