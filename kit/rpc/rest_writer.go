package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A restError is the body of every error over REST: a google.rpc.Status, and on legacy
// paths also the fields of an older service.
type restError struct {
	Code    restCode        `json:"code"`
	Message string          `json:"message"`
	Details json.RawMessage `json:"details"`

	ErrorCode    int      `json:"errorCode,omitempty"`    // the HTTP status
	ErrorMessage string   `json:"errorMessage,omitempty"` // the same as message
	IgnoredField []string `json:"ignoredField,omitempty"` // as in the response of a success
}

// A restCode is a code that is a number in JSON; connect.Code is a string there.
type restCode uint32

// restCodes maps the status of an error without a code to its code.
var restCodes = map[int]connect.Code{
	http.StatusBadRequest:            connect.CodeInvalidArgument,
	http.StatusForbidden:             connect.CodePermissionDenied,
	http.StatusNotFound:              connect.CodeNotFound,
	http.StatusMethodNotAllowed:      connect.CodeUnimplemented,
	http.StatusRequestTimeout:        connect.CodeDeadlineExceeded,
	http.StatusRequestEntityTooLarge: connect.CodeResourceExhausted,
	http.StatusUnsupportedMediaType:  connect.CodeInvalidArgument,
	http.StatusServiceUnavailable:    connect.CodeUnavailable,
}

// internalErrorText is the text that callers get for an internal error.
const internalErrorText = "internal error"

var errInternal = errors.New(internalErrorText)

// restReasons maps the status of an error without a reason of its own to its reason.
var restReasons = map[int]string{
	http.StatusNotFound:              reasonUnknownPath,
	http.StatusMethodNotAllowed:      reasonMethodNotAllowed,
	http.StatusRequestTimeout:        reasonBodyTimeout,
	http.StatusRequestEntityTooLarge: reasonTooLarge,
	http.StatusUnsupportedMediaType:  reasonMediaType,
}

// A restWriter rewrites statuses and errors to the format of REST, and adds the names of
// ignored fields. Without ignored fields, successful responses pass through unbuffered.
type restWriter struct {
	http.ResponseWriter
	log       *slog.Logger
	rule      RESTRule
	procedure string // of the path; empty if it is unknown
	types     Types  // of the details of errors; nil for those of the program
	ignored   []string
	direct    bool // the response is Connect's

	status int           // the final status; 0 before WriteHeader
	held   *bytes.Buffer // buffers a body that finish completes; nil if it is written at once

	info *RequestInfo  // nil if the body of the response is not kept
	kept []byte        // the body to write in place of that of the transcoder; nil for none
	copy *bytes.Buffer // of the body that is kept; nil for none
}

// keepBody lets the body of the response be kept, if it has nothing of this request only.
func (w *restWriter) keepBody(info *RequestInfo) {
	if info != nil && len(w.ignored) == 0 {
		info.keepsBody, w.info = true, info
	}
}

// beginBody prepares a successful response whose body is kept, or will be.
func (w *restWriter) beginBody() {
	if w.info == nil || w.info.encoded == nil || w.status != http.StatusOK {
		return
	}
	if w.kept = w.info.encoded.restBody(w.info.Route); w.kept != nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(w.kept)))
	} else if w.Header().Get("Content-Encoding") == "" {
		w.copy = new(bytes.Buffer)
	}
}

// WriteHeader writes the REST status for a status of the transcoder.
func (w *restWriter) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = w.rule.restStatus(status)
	if w.status >= http.StatusBadRequest || len(w.ignored) > 0 {
		w.held = new(bytes.Buffer)
		return
	}
	if w.direct {
		w.Header()["Content-Type"] = []string{"application/json"}
	}
	w.beginBody()
	w.ResponseWriter.WriteHeader(w.status)
}

// Write writes a part of the body.
func (w *restWriter) Write(data []byte) (int, error) {
	if w.status == 0 {
		if w.direct { // Connect writes a response at once
			w.Header()["Content-Length"] = []string{strconv.Itoa(len(data))}
		}
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case w.held != nil:
		return w.held.Write(data)
	case w.kept != nil:
		return len(data), nil // finish writes the kept body
	case w.copy != nil:
		w.copy.Write(data)
	}
	n, err := w.ResponseWriter.Write(data)
	if err != nil {
		w.copy = nil // incomplete
	}
	return n, err
}

// Flush does nothing: a response is sent whole, with its length and in one write. The
// transcoder would flush it before its end.
func (w *restWriter) Flush() {}

// Unwrap returns the wrapped writer to http.ResponseController.
func (w *restWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish sends the buffered body.
func (w *restWriter) finish() {
	switch {
	case w.kept != nil:
		_, _ = w.ResponseWriter.Write(w.kept) // fails only if the caller is gone
	case w.copy != nil:
		w.info.encoded.keepBody(w.info.Route, bytes.Clone(w.copy.Bytes()))
	case w.held == nil:
	case w.status >= http.StatusBadRequest:
		w.send(w.heldError())
	default:
		if w.direct {
			w.Header()["Content-Type"] = []string{"application/json"}
		}
		w.sendBody(w.withIgnoredFields(w.held.Bytes()))
	}
}

// heldError returns the error in the buffered body: of the transcoder, or of Connect.
func (w *restWriter) heldError() *connect.Error {
	parse := errorFromConnect
	if !w.direct {
		parse = w.errorFromStatus
	}
	if e, ok := parse(w.held.Bytes()); ok {
		return withParameter(e)
	}
	var plain restError // of a status with unknown details
	if json.Unmarshal(w.held.Bytes(), &plain) == nil && plain.Code != 0 {
		return connect.NewError(connect.Code(plain.Code), errors.New(plain.Message))
	}
	return w.restFault(errors.New(strings.TrimSpace(w.held.String())))
}

// writeConnectError responds with an error of a stage, its details and its metadata. It does
// not change the status of unavailable: no service has failed.
func (w *restWriter) writeConnectError(err *connect.Error) {
	for name, values := range err.Meta() {
		w.Header()[name] = values
	}
	if w.status = restStatusOf(err.Code()); w.status != http.StatusServiceUnavailable {
		w.status = w.rule.restStatus(w.status)
	}
	w.send(err)
}

// writeCallError responds with the error of a call.
func (w *restWriter) writeCallError(err *connect.Error) {
	w.status = w.rule.restStatus(restStatusOf(err.Code()))
	w.send(err)
}

// writeError responds with an error of the status.
func (w *restWriter) writeError(status int, err error) {
	w.status = status
	w.send(w.restFault(err))
}

// restFault returns an error with the code and the reason of the status.
func (w *restWriter) restFault(err error) *connect.Error {
	if reason := restReasons[w.status]; reason != "" && fault.ReasonOf(err) == "" {
		err = fault.WithReason(err, reason)
	}
	return connect.NewError(restCodes[w.status], err)
}

// send responds with an error, described.
func (w *restWriter) send(e *connect.Error) {
	e = w.described(e)
	w.setRetryAfter(retryDelayOf(e))
	w.sendJSON(newRESTError(e, w.types))
}

// described returns an error for callers, with its details. It logs one that has internal text.
func (w *restWriter) described(e *connect.Error) *connect.Error {
	switch e.Code() {
	case 0, connect.CodeUnknown, connect.CodeInternal, connect.CodeDataLoss:
		if e.Message() != internalErrorText {
			w.log.Error("REST request failed", "status", w.status, "error", truncateName(e.Message()))
		}
		if e.Message() != internalErrorText || e.Code() != connect.CodeInternal {
			e = connect.NewError(connect.CodeInternal, errInternal)
		}
	}
	return describe(e, w.procedure)
}

// setRetryAfter sets Retry-After, in whole seconds, for a status that has it.
func (w *restWriter) setRetryAfter(delay time.Duration) {
	if w.status != http.StatusServiceUnavailable && w.status != http.StatusTooManyRequests {
		return
	}
	if delay > 0 && w.Header().Get("Retry-After") == "" {
		w.Header().Set("Retry-After", retrySeconds(delay))
	}
}

// retrySeconds returns a delay as Retry-After.
func retrySeconds(delay time.Duration) string {
	return strconv.FormatInt(int64((delay+time.Second-1)/time.Second), 10)
}

func (w *restWriter) sendJSON(e restError) {
	if w.rule.Legacy {
		e.ErrorCode, e.ErrorMessage, e.IgnoredField = w.status, e.Message, w.ignored
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(e) // it always encodes
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.sendBody(bytes.TrimSuffix(body.Bytes(), []byte("\n")))
}

func (w *restWriter) sendBody(body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.ResponseWriter.WriteHeader(w.status)
	_, _ = w.ResponseWriter.Write(body) // fails only if the caller is gone
}

// withIgnoredFields returns a response with the names of the ignored fields, if it is an object.
func (w *restWriter) withIgnoredFields(body []byte) []byte {
	open, ok := bytes.CutSuffix(bytes.TrimSpace(body), []byte("}"))
	if !ok {
		return body
	}
	names, _ := json.Marshal(w.ignored) // it always marshals
	if !bytes.HasSuffix(open, []byte("{")) {
		open = append(open, ',')
	}
	return append(append(append(open, `"ignoredField":`...), names...), '}')
}
