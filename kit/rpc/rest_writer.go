package rpc

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"connectrpc.com/connect"
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

// retrySeconds is the Retry-After of a response with status 503.
const retrySeconds = 1

// A restWriter rewrites statuses and errors to the format of REST, and adds the names of
// ignored fields. Without ignored fields, successful responses pass through unbuffered.
type restWriter struct {
	http.ResponseWriter
	log     *slog.Logger
	rule    RESTRule
	ignored []string
	direct  bool // the response is Connect's

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

// heldError returns the buffered body of an error.
func (w *restWriter) heldError() restError {
	var written restError
	if w.direct {
		if converted, ok := statusOf(w.held.Bytes()); ok {
			return converted
		}
	} else if json.Unmarshal(w.held.Bytes(), &written) == nil {
		return written
	}
	return restError{Code: restCode(restCodes[w.status]), Message: strings.TrimSpace(w.held.String())}
}

// writeConnectError responds with an error, its details and its metadata.
func (w *restWriter) writeConnectError(err *connect.Error) {
	for name, values := range err.Meta() {
		w.Header()[name] = values
	}
	e := restError{Code: restCode(err.Code()), Message: err.Message(), Details: detailsJSON(anyDetails(err.Details()))}
	w.status = w.rule.restStatus(restStatusOf(err.Code()))
	w.send(e)
}

// writeError responds with an error.
func (w *restWriter) writeError(status int, message string) {
	w.status = status
	w.send(restError{Code: restCode(restCodes[status]), Message: message})
}

func (w *restWriter) send(e restError) {
	switch connect.Code(e.Code) {
	case 0, connect.CodeUnknown, connect.CodeInternal, connect.CodeDataLoss:
		if e.Message != internalErrorText {
			w.log.Error("REST request failed", "status", w.status, "error", truncateName(e.Message))
		}
		e = restError{Code: restCode(connect.CodeInternal), Message: internalErrorText}
	}
	if len(e.Details) == 0 {
		e.Details = json.RawMessage("[]")
	}
	if w.rule.Legacy {
		e.ErrorCode, e.ErrorMessage, e.IgnoredField = w.status, e.Message, w.ignored
	}
	if w.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(retrySeconds))
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
