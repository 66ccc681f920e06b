package rpc

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
)

// A body that holds the whole message is JSON for Connect too, so such a request skips the
// transcoder, which would decode and encode it once more. Both ways give the same responses;
// a test compares them.

// isDirect reports whether requests of r go to the Connect handler without the transcoder.
func (r *route) isDirect() bool {
	if r.body != "*" || r.responseBody != "" || r.raw {
		return false
	}
	for _, s := range r.segments {
		if s.field != "" {
			return false
		}
	}
	return true
}

// restCodecName is the name of the codec of direct requests, in the media type
// application/rest+json.
const restCodecName = "rest+json"

// directCodec is the JSON codec of direct requests: as restCodec, it returns an error for an
// unknown field.
type directCodec struct{ jsonCodec }

// Unmarshal decodes a message.
func (c directCodec) Unmarshal(data []byte, message any) error {
	if len(data) == 0 {
		return nil
	}
	return readJSON(protojson.UnmarshalOptions{}, c.limit, data, message.(proto.Message))
}

// setDirect changes the header of a REST request to that of a request by Connect.
func setDirect(header http.Header) {
	header["Content-Type"] = []string{"application/" + restCodecName}
	if timeout := header.Get("X-Server-Timeout"); timeout != "" {
		seconds, _ := strconv.ParseFloat(timeout, 64) // checkHeader has parsed it
		milliseconds := min(max(math.Ceil(seconds*1000), 1), maxTimeoutMilliseconds)
		header["Connect-Timeout-Ms"] = []string{strconv.FormatInt(int64(milliseconds), 10)}
	}
}

// maxTimeoutMilliseconds is the largest timeout of Connect, which takes 10 digits.
const maxTimeoutMilliseconds = 9_999_999_999

// A connectError is an error in the JSON of Connect.
type connectError struct {
	Code    connect.Code `json:"code"`
	Message string       `json:"message"`
	Details []struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	} `json:"details"`
}

// statusOf returns a Connect error as the JSON of a google.rpc.Status. It returns false for
// text that is no such error.
func statusOf(text []byte) (restError, bool) {
	var e connectError
	if err := json.Unmarshal(text, &e); err != nil || e.Code == 0 {
		return restError{}, false
	}
	details := make([]*anypb.Any, 0, len(e.Details))
	for _, d := range e.Details {
		value, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(d.Value, "="))
		if err != nil {
			return restError{}, false
		}
		details = append(details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type, Value: value})
	}
	return restError{
		Code: restCode(e.Code), Message: strings.TrimPrefix(e.Message, "unmarshal message: "), Details: detailsJSON(details),
	}, true
}
