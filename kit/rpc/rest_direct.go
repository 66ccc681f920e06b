package rpc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"
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
	return readJSON(unmarshalJSON(c.types, false), c.limit, data, message.(proto.Message))
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

// errorFromConnect returns the error in the JSON of Connect. It returns false for text that
// is none.
func errorFromConnect(text []byte) (*connect.Error, bool) {
	var parsed connectError
	if err := json.Unmarshal(text, &parsed); err != nil || parsed.Code == 0 {
		return nil, false //nolint:nilerr // the text is no error
	}
	e := connect.NewError(parsed.Code, errors.New(parsed.Message))
	for _, d := range parsed.Details {
		value, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(d.Value, "="))
		if err != nil {
			return nil, false //nolint:nilerr // as above
		}
		addDetail(e, &anypb.Any{TypeUrl: anyPrefix + d.Type, Value: value})
	}
	return e, true
}
