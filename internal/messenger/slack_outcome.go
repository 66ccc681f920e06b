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
	"ratelimited":  meansPaused,
	"rate_limited": meansPaused,

	"internal_error":      meansRetry,
	"request_timeout":     meansRetry,
	"service_unavailable": meansRetry,
	"fatal_error":         meansUnknown, // "some aspect of the operation may have succeeded"

	"channel_not_found": destinationFailed,
	"not_in_channel":    destinationFailed,
	"is_archived":       destinationFailed,
	"restricted_action": destinationFailed, // and all codes with this prefix

	"invalid_auth":              credentialFailed,
	"not_authed":                credentialFailed,
	"account_inactive":          credentialFailed,
	"token_revoked":             credentialFailed,
	"token_expired":             credentialFailed,
	"missing_scope":             credentialFailed,
	"no_permission":             credentialFailed,
	"ekm_access_denied":         credentialFailed,
	"access_denied":             credentialFailed,
	"accesslimited":             credentialFailed,
	"not_allowed_token_type":    credentialFailed,
	"enterprise_is_restricted":  credentialFailed,
	"two_factor_setup_required": credentialFailed,

	"msg_too_long":   messageFailed,
	"no_text":        messageFailed,
	"invalid_blocks": messageFailed,
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

// refine refines the outcome of the HTTP status by the response body: Sent requires
// both, Paused either.
func (s slackReply) refine(o Outcome) Outcome {
	switch {
	case s.OK == nil:
		return o
	case *s.OK && o.IsSuccess():
		o.Kind, o.Code, o.MessageID = Sent, "", s.TS
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
	means, known := slackErrors[name]
	switch {
	case o.Kind == Paused:
		return o
	case known:
		return classify(o, means)
	case o.IsSuccess():
		return classify(o, messageFailed)
	}
	return o
}
