package rpc

import (
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"
)

// Code returns the code of the error with which a request ended, by every protocol; 0 for
// none. info may be nil. It is called after the handler returned: most errors are recorded in
// info, and those before a message is decoded are read from the response.
func (w *ResponseWriter) Code(info *RequestInfo) connect.Code {
	if w.status == http.StatusNotModified { // Connect has it as an error
		return 0
	}
	if info != nil && info.Code != 0 {
		return info.Code
	}
	if w.status >= http.StatusBadRequest {
		return codeOfStatus(w.status)
	}
	header := w.Header()
	status := header["Grpc-Status"] // of a response without a message
	if status == nil {
		status = header[http.TrailerPrefix+"Grpc-Status"]
	}
	if len(status) == 0 || status[0] == "0" {
		return 0
	}
	code, err := strconv.ParseUint(status[0], 10, 32)
	if err != nil || code > uint64(connect.CodeUnauthenticated) {
		return connect.CodeUnknown
	}
	return connect.Code(code)
}

// codeOfStatus returns the code of a response that has only a status.
func codeOfStatus(status int) connect.Code {
	switch status {
	case http.StatusUnauthorized:
		return connect.CodeUnauthenticated
	case http.StatusForbidden:
		return connect.CodePermissionDenied
	case http.StatusNotFound:
		return connect.CodeNotFound
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return connect.CodeUnimplemented
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return connect.CodeDeadlineExceeded
	case http.StatusConflict:
		return connect.CodeAlreadyExists
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusRequestHeaderFieldsTooLarge:
		return connect.CodeResourceExhausted
	case statusClientClosed:
		return connect.CodeCanceled
	case http.StatusServiceUnavailable:
		return connect.CodeUnavailable
	}
	if status >= http.StatusInternalServerError {
		return connect.CodeInternal
	}
	return connect.CodeInvalidArgument
}

// Protocol returns the protocol of a request: rest, connect, grpc, grpc-web, or http for a
// path that is neither that of a method nor REST.
func Protocol(r *http.Request) string {
	switch contentType := r.Header.Get("Content-Type"); {
	case strings.HasPrefix(r.URL.Path, "/v1/"):
		return "rest"
	case !isProcedure(r.URL.Path):
		return "http"
	case strings.HasPrefix(contentType, "application/grpc-web"):
		return "grpc-web"
	case strings.HasPrefix(contentType, "application/grpc"):
		return "grpc"
	}
	return "connect"
}

// BodyBytes returns the number of bytes of the body of a request that were received,
// compressed as they were sent. r is a request that a Server gave to a stage.
func BodyBytes(r *http.Request) int64 {
	if body, ok := r.Body.(*requestBody); ok {
		return body.received
	}
	return 0
}
