package rpc

import (
	"encoding/json"

	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"
)

// detailsJSON returns the details of an error as a JSON array, or nil if there are none or one
// cannot be encoded: its message is unknown to this program.
func detailsJSON(details []*anypb.Any) json.RawMessage {
	if len(details) == 0 {
		return nil
	}
	encoded, err := appendJSON(nil, &status.Status{Details: details})
	if err != nil {
		return nil
	}
	var parsed struct {
		Details json.RawMessage `json:"details"`
	}
	if err := json.Unmarshal(encoded, &parsed); err != nil {
		return nil
	}
	return parsed.Details
}
