package rpc

import (
	"encoding/json"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/types/known/anypb"
)

// restStatuses maps codes to their HTTP status, as google/rpc/code.proto does; others are 500.
var restStatuses = map[connect.Code]int{
	connect.CodeCanceled:           statusClientClosed,
	connect.CodeInvalidArgument:    http.StatusBadRequest,
	connect.CodeDeadlineExceeded:   http.StatusGatewayTimeout,
	connect.CodeNotFound:           http.StatusNotFound,
	connect.CodeAlreadyExists:      http.StatusConflict,
	connect.CodePermissionDenied:   http.StatusForbidden,
	connect.CodeResourceExhausted:  http.StatusTooManyRequests,
	connect.CodeFailedPrecondition: http.StatusBadRequest,
	connect.CodeAborted:            http.StatusConflict,
	connect.CodeOutOfRange:         http.StatusBadRequest,
	connect.CodeUnimplemented:      http.StatusNotImplemented,
	connect.CodeUnavailable:        http.StatusServiceUnavailable,
	connect.CodeUnauthenticated:    http.StatusUnauthorized,
}

// restStatusOf returns the HTTP status of a code, before the rule of the path.
func restStatusOf(code connect.Code) int {
	if s, ok := restStatuses[code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

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

// anyDetails returns the details of a Connect error as messages.
func anyDetails(details []*connect.ErrorDetail) []*anypb.Any {
	all := make([]*anypb.Any, 0, len(details))
	for _, d := range details {
		all = append(all, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type(), Value: d.Bytes()})
	}
	return all
}
