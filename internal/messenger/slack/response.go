package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// errorCodes classifies Slack's error codes. Other errors are about the message.
var errorCodes = map[string]call.Classification{
	"ratelimited":  call.Paused,
	"rate_limited": call.Paused,

	"internal_error":      call.Retry,
	"request_timeout":     call.Retry,
	"service_unavailable": call.Retry,
	"fatal_error":         call.Unknown, // "some aspect of the operation may have succeeded"

	"channel_not_found": call.DestinationFailed,
	"not_in_channel":    call.DestinationFailed,
	"is_archived":       call.DestinationFailed,
	"restricted_action": call.DestinationFailed, // and all codes with this prefix

	"invalid_auth":              call.CredentialFailed,
	"not_authed":                call.CredentialFailed,
	"account_inactive":          call.CredentialFailed,
	"token_revoked":             call.CredentialFailed,
	"token_expired":             call.CredentialFailed,
	"missing_scope":             call.CredentialFailed,
	"no_permission":             call.CredentialFailed,
	"ekm_access_denied":         call.CredentialFailed,
	"access_denied":             call.CredentialFailed,
	"accesslimited":             call.CredentialFailed,
	"not_allowed_token_type":    call.CredentialFailed,
	"enterprise_is_restricted":  call.CredentialFailed,
	"two_factor_setup_required": call.CredentialFailed,

	"msg_too_long":   call.MessageFailed,
	"no_text":        call.MessageFailed,
	"invalid_blocks": call.MessageFailed,
}

// A reply is the body of a response. OK is nil if the response is not from Slack's
// API.
type reply struct {
	OK      *bool
	Error   string
	TS      string
	Channel json.RawMessage // an id, or an object
}

// replyJSON is a reply for encoding/json, which matches names case-insensitively:
// values of names in another case are decoded into the first four fields, and ignored.
type replyJSON struct {
	NotOK    json.RawMessage `json:"OK"`
	NotError json.RawMessage `json:"ERROR"`
	NotTS    json.RawMessage `json:"TS"`
	NotIn    json.RawMessage `json:"CHANNEL"`
	OK       *bool           `json:"ok"`
	Error    string          `json:"error"`
	TS       string          `json:"ts"`
	Channel  json.RawMessage `json:"channel"`
}

// readReply decodes a response. Slack repeats the message after the relevant fields, so
// the response to a long text exceeds call.MaxResponseBytes: if it was truncated here,
// its head is enough. An interrupted response is not.
func readReply(r call.Response) reply {
	if !r.Truncated {
		res := call.ReadJSON[replyJSON](r)
		return reply{OK: res.OK, Error: res.Error, TS: res.TS, Channel: res.Channel}
	}
	var s reply
	d := json.NewDecoder(bytes.NewReader(r.Body))
	err := s.decode(d)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s
	}
	return reply{}
}

// decode decodes one JSON object, and fails if anything follows it.
func (s *reply) decode(d *json.Decoder) error {
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
		case "channel":
			value = &s.Channel
		}
		if err := d.Decode(value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil { // the closing brace
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("trailing data after the object")
	}
	return nil
}

// refine refines the outcome of the HTTP status by the response body: Sent requires
// both, Paused either.
func (s reply) refine(o messenger.Outcome) messenger.Outcome {
	switch {
	case s.OK == nil:
		return o
	case *s.OK && o.IsSuccess():
		o.Kind, o.Code, o.MessageID = messenger.Sent, "", s.TS
		return o
	case *s.OK:
		return o
	}
	if s.Error != "" {
		o.Code = s.Error
	} else if o.IsSuccess() {
		o.Code = "unspecified_error"
	}
	name := s.Error
	if strings.HasPrefix(name, "restricted_action") {
		name = "restricted_action"
	}
	means, known := errorCodes[name]
	switch {
	case o.Kind == messenger.Paused:
		return o
	case known:
		return call.Classify(o, means)
	case o.IsSuccess():
		return call.Classify(o, call.MessageFailed)
	}
	return o
}
