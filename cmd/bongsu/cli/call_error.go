package cli

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
)

// A callError is a failed call, with advice for the user.
type callError struct {
	err     error
	server  string // redacted for output
	timeout time.Duration
	reads   bool // the call changes nothing, so a repeat is safe
	stopped bool // canceled by the user
}

// advice maps the code of a response to a remedy for the user.
var advice = map[connect.Code]string{
	connect.CodeInvalidArgument:    "correct the request and retry; see --help",
	connect.CodeNotFound:           "use the list commands to see what exists",
	connect.CodeAlreadyExists:      "choose another name, or change the existing one",
	connect.CodeUnavailable:        "retry later; see the server's log for the cause",
	connect.CodeInternal:           "see the server's log for the cause",
	connect.CodeUnknown:            "see the server's log for the cause",
	connect.CodeResourceExhausted:  "send a smaller request, or retry later",
	connect.CodeUnauthenticated:    "set an API key by --key-file or BONGSU_API_KEY",
	connect.CodePermissionDenied:   "ask the operator of the server for permission",
	connect.CodeUnimplemented:      "client and server may differ in version; see bongsu version",
	connect.CodeFailedPrecondition: "correct the state and retry",
}

// Error returns one line with the cause and the advice.
func (e *callError) Error() string {
	const another = "set another server by --server or BONGSU_SERVER"
	answered := connect.IsWireError(e.err)
	code := connect.CodeOf(e.err)
	cause, unreached := connectFailure(e.err)
	switch {
	case e.stopped:
		return "interrupted" + e.possiblyExecuted()
	case !answered && unreached:
		return fmt.Sprintf("cannot reach %s (%s): is bongsu serve running? %s", e.server, cause, another)
	case !answered && code == connect.CodeDeadlineExceeded:
		return fmt.Sprintf("timeout: no response from %s within %s%s; set a longer one by --timeout or BONGSU_TIMEOUT", e.server, e.timeout, e.possiblyExecuted())
	case !answered && isBrokenConnection(e.err):
		return fmt.Sprintf("connection to %s closed without a response (%s)%s", e.server, serverMessage(e.err), e.possiblyExecuted())
	case !answered:
		return fmt.Sprintf("%s does not respond as a bongsu server (%s): %s", e.server, serverMessage(e.err), another)
	case code == connect.CodeDeadlineExceeded:
		return fmt.Sprintf("timeout: %s exceeded the deadline (%s)%s; set a longer one by --timeout or BONGSU_TIMEOUT", e.server, serverMessage(e.err), e.possiblyExecuted())
	case advice[code] != "":
		return serverMessage(e.err) + unnamedFields(e.err) + "; " + retryAdvice(e.err, advice[code])
	default:
		return fmt.Sprintf("%s (%s)", serverMessage(e.err), code)
	}
}

// unnamedFields returns the invalid fields that the details of an error name and its text does
// not, in brackets.
func unnamedFields(err error) string {
	bad, ok := callDetail[*errdetails.BadRequest](err)
	if !ok {
		return ""
	}
	text := serverMessage(err)
	var names []string
	for _, v := range bad.GetFieldViolations() {
		if name := v.GetField(); name != "" && !strings.Contains(text, name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (" + strings.Join(names, ", ") + ")"
}

// retryAdvice returns advice with the time in the details of an error in place of "later".
func retryAdvice(err error, advice string) string {
	if retry, ok := callDetail[*errdetails.RetryInfo](err); ok {
		return strings.Replace(advice, "retry later", "retry in "+retry.GetRetryDelay().AsDuration().String(), 1)
	}
	return advice
}

// callDetail returns the detail of a type of a call's error.
func callDetail[M any](err error) (detail M, ok bool) {
	coded, is := errors.AsType[*connect.Error](err)
	if !is {
		return detail, false
	}
	for _, d := range coded.Details() {
		if value, failed := d.Value(); failed == nil {
			if detail, ok = any(value).(M); ok {
				return detail, true
			}
		}
	}
	return detail, false
}

// Unwrap returns the error of the call.
func (e *callError) Unwrap() error { return e.err }

// possiblyExecuted returns a warning if the server may have executed the call.
func (e *callError) possiblyExecuted() string {
	if e.reads {
		return ""
	}
	return "; the call may have been executed: check before you retry"
}

// connectFailure reports whether no connection was established, and returns the cause.
func connectFailure(err error) (cause string, is bool) {
	if op, ok := errors.AsType[*net.OpError](err); ok && (op.Op == "dial" || op.Op == "proxyconnect") {
		return op.Err.Error(), true
	}
	return "", false
}

// isBrokenConnection reports whether the connection ended before the response was complete.
func isBrokenConnection(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET)
}

// serverMessage returns the server's error text on one line, with all violations of fields.
func serverMessage(err error) string {
	text := err.Error()
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		text = coded.Message()
	}
	return strings.NewReplacer(":\n - ", ": ", "\n - ", "; ", "\n", "; ").Replace(text)
}
