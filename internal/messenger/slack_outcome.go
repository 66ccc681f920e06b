package messenger

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// slackErrors classifies Slack's error codes. Other errors are about the message.
var slackErrors = map[string]classification{
	"ratelimited":  {kind: Paused},
	"rate_limited": {kind: Paused},

	"internal_error":      {kind: Retry},
	"request_timeout":     {kind: Retry},
	"service_unavailable": {kind: Retry},
	"fatal_error":         {kind: Unknown}, // "some aspect of the operation may have succeeded"

	"channel_not_found": {Failed, DestinationScope},
	"not_in_channel":    {Failed, DestinationScope},
	"is_archived":       {Failed, DestinationScope},
	"restricted_action": {Failed, DestinationScope}, // and all codes with this prefix

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

// A slackReply is the body of a response. OK is nil if the response is not from Slack's
// API.
type slackReply struct {
	OK    *bool
	Error string
	TS    string
}

// slackJSON is a slackReply for encoding/json, which matches names case-insensitively:
// values of names in another case are decoded into the first three fields, and ignored.
type slackJSON struct {
	NotOK    json.RawMessage `json:"OK"`
	NotError json.RawMessage `json:"ERROR"`
	NotTS    json.RawMessage `json:"TS"`
	OK       *bool           `json:"ok"`
	Error    string          `json:"error"`
	TS       string          `json:"ts"`
}

// readSlack decodes a response. Slack repeats the message after the relevant fields, so
// the response to a long text exceeds maxResponseBytes: if it was truncated here, its head is
// enough. An interrupted response is not.
func readSlack(r response) slackReply {
	if !r.truncated {
		res := readJSON[slackJSON](r)
		return slackReply{OK: res.OK, Error: res.Error, TS: res.TS}
	}
	var s slackReply
	d := json.NewDecoder(bytes.NewReader(r.body))
	err := s.decode(d)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s
	}
	return slackReply{}
}

// decode decodes one JSON object, and fails if anything follows it.
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
		return errors.New("trailing data after the object")
	}
	return nil
}

// classify refines the outcome of the HTTP status by the response body: Sent requires
// both, Paused either.
func (s slackReply) classify(o Outcome) Outcome {
	switch {
	case s.OK == nil:
		return o
	case *s.OK && o.isSuccess():
		o.Kind, o.Code, o.MessageID = Sent, "", s.TS
		return o
	case *s.OK:
		return o
	}
	if s.Error != "" {
		o.Code = s.Error
	} else if o.isSuccess() {
		o.Code = "unspecified_error"
	}
	name := s.Error
	if strings.HasPrefix(name, "restricted_action") {
		name = "restricted_action"
	}
	means, known := slackErrors[name]
	switch {
	case o.Kind == Paused:
		return o
	case known:
		return o.classify(means)
	case o.isSuccess():
		return o.classify(classification{Failed, MessageScope})
	}
	return o
}
