package rpc

import (
	"encoding/json"
	"errors"
	"net/http"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protojson"
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

// detailsJSON returns the details of an error as a JSON array, without their empty fields: a
// violation has many. It omits a detail that cannot be encoded: its message is unknown to this
// program, and to types, those of its service.
func detailsJSON(details []*connect.ErrorDetail, types Types) json.RawMessage {
	options := protojson.MarshalOptions{}
	if types != nil {
		options.Resolver = types
	}
	all := []byte{'['}
	for _, d := range details {
		encoded, err := options.Marshal(anyOf(d))
		if err != nil {
			continue
		}
		if len(all) > 1 {
			all = append(all, ',')
		}
		all, _ = appendCompact(all, encoded, nil) // it returns only the given error
	}
	return append(all, ']')
}

// anyOf returns a detail as a message.
func anyOf(d *connect.ErrorDetail) *anypb.Any {
	return &anypb.Any{TypeUrl: anyPrefix + d.Type(), Value: d.Bytes()}
}

// anyPrefix is the prefix of the type of a detail.
const anyPrefix = "type.googleapis.com/"

// newRESTError returns the body of an error, with details of types.
func newRESTError(e *connect.Error, types Types) restError {
	return restError{Code: restCode(e.Code()), Message: validText(e.Message()), Details: detailsJSON(e.Details(), types)}
}

// errorFromStatus returns the error in the JSON of a google.rpc.Status. It returns false for
// text that is none, or that has a detail that is unknown to this program.
func (w *restWriter) errorFromStatus(text []byte) (*connect.Error, bool) {
	var s status.Status
	if err := unmarshalJSON(w.types, false).Unmarshal(text, &s); err != nil || s.GetCode() == 0 {
		return nil, false //nolint:nilerr // the text is no error
	}
	e := connect.NewError(connect.Code(s.GetCode()), errors.New(s.GetMessage()))
	for _, d := range s.GetDetails() {
		addDetail(e, d)
	}
	return e, true
}
