package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"connectrpc.com/connect"
)

// A callError is a call that failed, told as a sentence that says what to do.
type callError struct {
	err     error
	server  string // as it may be printed
	timeout time.Duration
	reads   bool // it changes nothing, so nothing can have been half done
	stopped bool // by the person who asked
}

// advice says what to do about what a server answers.
var advice = map[connect.Code]string{
	connect.CodeInvalidArgument:    "put that right and try again; --help says how",
	connect.CodeNotFound:           "the list commands show what there is",
	connect.CodeAlreadyExists:      "choose another, or change what is there",
	connect.CodeUnavailable:        "it may pass; the server's log says why",
	connect.CodeInternal:           "the server's log says why",
	connect.CodeUnknown:            "the server's log says why",
	connect.CodeResourceExhausted:  "make it smaller, or try later",
	connect.CodeUnauthenticated:    "this server wants to know who asks",
	connect.CodePermissionDenied:   "ask whoever runs this server",
	connect.CodeUnimplemented:      "client and server may be of different versions; bongsu version says which this is",
	connect.CodeFailedPrecondition: "put that right and try again",
}

// Error is the sentence.
func (e *callError) Error() string {
	const another = "--server or BONGSU_SERVER names another"
	answered := connect.IsWireError(e.err)
	code := connect.CodeOf(e.err)
	cause, unreached := unreached(e.err)
	switch {
	case e.stopped:
		return "interrupted" + e.doubt()
	case !answered && unreached:
		return fmt.Sprintf("cannot reach %s (%s): is bongsu serve running? %s", e.server, cause, another)
	case !answered && code == connect.CodeDeadlineExceeded:
		return fmt.Sprintf("no answer from %s within %s%s; --timeout or BONGSU_TIMEOUT waits longer", e.server, e.timeout, e.doubt())
	case !answered && brokeOff(e.err):
		return fmt.Sprintf("%s broke off without an answer (%s)%s", e.server, told(e.err), e.doubt())
	case !answered:
		return fmt.Sprintf("%s does not answer as bongsu does (%s): %s", e.server, told(e.err), another)
	case code == connect.CodeDeadlineExceeded:
		return fmt.Sprintf("%s ran out of time (%s)%s; --timeout or BONGSU_TIMEOUT waits longer", e.server, told(e.err), e.doubt())
	case advice[code] != "":
		return told(e.err) + "; " + advice[code]
	default:
		return fmt.Sprintf("%s (%s)", told(e.err), code)
	}
}

// Unwrap gives the error of the call.
func (e *callError) Unwrap() error { return e.err }

// doubt warns where the server may have done what it did not get to answer.
func (e *callError) doubt() string {
	if e.reads {
		return ""
	}
	return "; it may have been done all the same: look before you try again"
}

// unreached says that no connection came about, and why.
func unreached(err error) (cause string, is bool) {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return op.Err.Error(), true
	}
	return "", false
}

// brokeOff says that a connection ended before the answer did.
func brokeOff(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET)
}

// told is what a server says, on one line: of several fields that are not valid,
// all.
func told(err error) string {
	text := err.Error()
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		text = coded.Message()
	}
	return strings.NewReplacer(":\n - ", ": ", "\n - ", "; ", "\n", "; ").Replace(text)
}
