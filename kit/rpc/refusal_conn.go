package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// refusalHeader is the rest of the header, after the status line, of a response that
// net/http writes itself to a request that it cannot parse. A response of a handler has a
// Date. See http.Server in net/http/server.go, errorHeaders.
var refusalHeader = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

var http1 = []byte("HTTP/1.1 ")

// serverRefusals maps the statuses of net/http's own responses to errors. It has no hook
// for them.
var serverRefusals = map[int]struct {
	code connect.Code
	err  error
}{
	http.StatusBadRequest:                  {connect.CodeInvalidArgument, fault.WithReason(fault.InvalidField("request", "malformed; check that the path is percent-encoded, and the header"), reasonMalformed)},
	http.StatusRequestHeaderFieldsTooLarge: {connect.CodeResourceExhausted, fault.WithReason(fmt.Errorf("header: larger than %d bytes", maxHeaderBytes), reasonTooLarge)},
	http.StatusNotImplemented:              {connect.CodeUnimplemented, errors.New("header Transfer-Encoding: only chunked is supported")},
	http.StatusHTTPVersionNotSupported:     {connect.CodeUnimplemented, errors.New("request: unsupported HTTP version; use 1.1 or 2")},
}

// A refusalConn rewrites net/http's own error responses to the error format of REST.
type refusalConn struct{ net.Conn }

// Write writes data, or the error that replaces it.
func (c refusalConn) Write(data []byte) (int, error) {
	response, ok := refusalResponse(data)
	if !ok {
		return c.Conn.Write(data)
	}
	if _, err := c.Conn.Write(response); err != nil {
		return 0, err
	}
	return len(data), nil
}

// refusalResponse returns the error that replaces a response of net/http's own, and reports
// whether data is one.
func refusalResponse(data []byte) ([]byte, bool) {
	if !bytes.HasPrefix(data, http1) { // HTTP/2, or a later part of a response: it is not scanned
		return nil, false
	}
	line, rest, _ := bytes.Cut(data, []byte("\r\n"))
	if !bytes.HasPrefix(rest, refusalHeader[2:]) {
		return nil, false
	}
	status, err := strconv.Atoi(string(line[len(http1):min(len(line), len(http1)+3)]))
	refusal, ok := serverRefusals[status]
	if err != nil || !ok {
		return nil, false
	}
	body, _ := json.Marshal(newRESTError(describe(connect.NewError(refusal.code, refusal.err), ""), nil)) // it always marshals
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, http.StatusText(status), len(body), body), true
}
