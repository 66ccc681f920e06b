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

// A restError is the body of every error over REST: a google.rpc.Status, and on the
// paths of the older service also the names that it had.
type restError struct {
	Code    restCode        `json:"code"`
	Message string          `json:"message"`
	Details json.RawMessage `json:"details"`

	ErrorCode    int      `json:"errorCode,omitempty"`    // the status
	ErrorMessage string   `json:"errorMessage,omitempty"` // message again
	IgnoredField []string `json:"ignoredField,omitempty"` // as in the answer of a success
}

// A restCode is a code as a number; connect.Code would be a word in JSON.
type restCode uint32

// restCodes holds the code of an error that has a status only.
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

// internalError is what callers get of a failure that is nobody's business.
const internalError = "internal error"

// retrySeconds is how long a caller is asked to wait where a service is unavailable.
const retrySeconds = 1

// A restWriter gives statuses and errors the form that they have over REST, and names
// the fields that were ignored. Answers of success go through as they are written
// where nothing was ignored.
type restWriter struct {
	http.ResponseWriter
	log     *slog.Logger
	rule    restRule
	ignored []string

	status int           // as it leaves; 0 before WriteHeader
	held   *bytes.Buffer // a body that finish completes; nil where it is written at once
}

// WriteHeader writes the status that REST has for a status of the transcoder.
func (w *restWriter) WriteHeader(status int) {
	if w.status != 0 {
		return
	}
	w.status = w.rule.restStatus(status)
	if w.status >= http.StatusBadRequest || len(w.ignored) > 0 {
		w.held = new(bytes.Buffer)
		return
	}
	w.ResponseWriter.WriteHeader(w.status)
}

// Write writes a part of the body.
func (w *restWriter) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.held != nil {
		return w.held.Write(data)
	}
	return w.ResponseWriter.Write(data)
}

// Flush does nothing: an answer is sent whole, with its length and in one write, which
// the transcoder would flush before its end.
func (w *restWriter) Flush() {}

// Unwrap lets http.ResponseController find what w wraps.
func (w *restWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish sends what was held.
func (w *restWriter) finish() {
	switch {
	case w.held == nil:
	case w.status >= http.StatusBadRequest:
		e := restError{Code: restCode(restCodes[w.status]), Message: strings.TrimSpace(w.held.String())}
		var written restError
		if json.Unmarshal(w.held.Bytes(), &written) == nil {
			e = written
		}
		w.send(e)
	default:
		w.sendBody(w.named(w.held.Bytes()))
	}
}

// fail answers with an error that nobody has written yet.
func (w *restWriter) fail(status int, message string) {
	w.status = status
	w.send(restError{Code: restCode(restCodes[status]), Message: message})
}

func (w *restWriter) send(e restError) {
	switch connect.Code(e.Code) {
	case 0, connect.CodeUnknown, connect.CodeInternal, connect.CodeDataLoss:
		if e.Message != internalError {
			w.log.Error("REST request failed", "status", w.status, "error", shorten(e.Message))
		}
		e = restError{Code: restCode(connect.CodeInternal), Message: internalError}
	}
	if len(e.Details) == 0 {
		e.Details = json.RawMessage("[]")
	}
	if w.rule.legacy {
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
	_, _ = w.ResponseWriter.Write(body) // a caller that left needs no answer
}

// named returns an answer with the names of the ignored fields, where it is an object.
func (w *restWriter) named(body []byte) []byte {
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
