package rpc

import (
	"bytes"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// withDescribedErrors wraps a handler of Connect so that errors that reach no interceptor,
// such as a request that is too large, have the details of describe, too. Responses of REST
// have them from the restWriter.
func withDescribedErrors(next http.Handler) http.Handler { return describedErrors{next} }

type describedErrors struct{ next http.Handler }

// ServeHTTP serves a request.
func (h describedErrors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch w.(type) {
	case *restWriter, *eventStream:
		h.next.ServeHTTP(w, r)
		return
	}
	out := &connectWriter{ResponseWriter: w, procedure: r.URL.Path}
	h.next.ServeHTTP(out, r)
	out.finish(r)
}

// A connectWriter holds an error of Connect until it is described. Other responses pass
// through unbuffered.
type connectWriter struct {
	http.ResponseWriter

	procedure string
	status    int           // of an error
	held      *bytes.Buffer // its body; nil for none
}

// WriteHeader writes the status, or holds that of an error.
func (w *connectWriter) WriteHeader(status int) {
	if status < http.StatusBadRequest {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	if w.held == nil {
		w.status, w.held = status, new(bytes.Buffer)
	}
}

// Write writes a part of the body.
func (w *connectWriter) Write(data []byte) (int, error) {
	if w.held != nil {
		return w.held.Write(data)
	}
	return w.ResponseWriter.Write(data)
}

// Flush sends what was written. By gRPC-Web, the header may have an error.
func (w *connectWriter) Flush() {
	if w.held != nil {
		return
	}
	w.describeTrailer("")
	_ = http.NewResponseController(w.ResponseWriter).Flush() // fails only if the caller is gone
}

// Unwrap returns the wrapped writer to http.ResponseController.
func (w *connectWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish describes an error of the response.
func (w *connectWriter) finish(r *http.Request) {
	if w.held == nil {
		w.describeTrailer(http.TrailerPrefix)
		return
	}
	if e, ok := errorFromConnect(w.held.Bytes()); ok {
		if hasDetail(e, errorInfoName) {
			w.ResponseWriter.WriteHeader(w.status)
			_, _ = w.ResponseWriter.Write(w.held.Bytes()) // fails only if the caller is gone
			return
		}
		writeConnect(w.ResponseWriter, r, w.status, describe(withRequestReason(e), w.procedure))
		return
	}
	writeConnect(w.ResponseWriter, r, w.status, describe(statusError(w.status), w.procedure))
}

// describeTrailer describes an error of gRPC, which is in trailers, or by gRPC-Web in the
// header.
func (w *connectWriter) describeTrailer(prefix string) {
	header := w.Header()
	code := header[prefix+"Grpc-Status"]
	if len(code) != 1 || code[0] == "0" {
		return
	}
	e, ok := errorFromTrailer(header, prefix)
	if !ok || hasDetail(e, errorInfoName) {
		return
	}
	e = describe(withRequestReason(e), w.procedure)
	s := &status.Status{Code: int32(e.Code()), Message: validText(e.Message())}
	for _, d := range e.Details() {
		s.Details = append(s.Details, anyOf(d))
	}
	if data, err := proto.Marshal(s); err == nil {
		header[prefix+"Grpc-Status-Details-Bin"] = []string{base64.RawStdEncoding.EncodeToString(data)}
	}
}

// errorFromTrailer returns the error in trailers of gRPC.
func errorFromTrailer(header http.Header, prefix string) (*connect.Error, bool) {
	code, err := strconv.ParseUint(header[prefix+"Grpc-Status"][0], 10, 8)
	if err != nil {
		return nil, false //nolint:nilerr // the trailer has no error
	}
	text := ""
	if m := header[prefix+"Grpc-Message"]; len(m) == 1 {
		if text, err = url.PathUnescape(m[0]); err != nil {
			text = m[0]
		}
	}
	e := connect.NewError(connect.Code(code), errors.New(text))
	if encoded := header[prefix+"Grpc-Status-Details-Bin"]; len(encoded) == 1 {
		var s status.Status
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded[0], "="))
		if err != nil || proto.Unmarshal(data, &s) != nil {
			return nil, false //nolint:nilerr // as above
		}
		for _, d := range s.GetDetails() {
			addDetail(e, d)
		}
	}
	return e, true
}

// withRequestReason returns an error that Connect itself made for a request with its reason.
func withRequestReason(e *connect.Error) *connect.Error {
	var reason string
	switch e.Code() {
	case connect.CodeInvalidArgument:
		reason = reasonMalformed
	case connect.CodeResourceExhausted:
		reason = reasonTooLarge
	default:
		return e
	}
	out := connect.NewError(e.Code(), fault.WithReason(e.Unwrap(), reason))
	for _, d := range e.Details() {
		out.AddDetail(d)
	}
	return out
}

// statusError returns the error of a response that has a status only.
func statusError(status int) *connect.Error {
	switch status {
	case http.StatusNotFound:
		return connect.NewError(connect.CodeUnimplemented, fault.WithReason(errors.New("unknown method"), reasonUnknownMethod))
	case http.StatusMethodNotAllowed:
		return connect.NewError(connect.CodeUnimplemented, fault.WithReason(errors.New("use POST, or GET for methods without side effects"), reasonMethodNotAllowed))
	case http.StatusUnsupportedMediaType:
		err := fault.InvalidField("Content-Type", "use application/json, application/proto, or a type of gRPC or gRPC-Web")
		return connect.NewError(connect.CodeInvalidArgument, fault.WithReason(err, reasonMediaType))
	case http.StatusHTTPVersionNotSupported:
		return connect.NewError(connect.CodeUnimplemented, errors.New("gRPC needs HTTP/2"))
	}
	return connect.NewError(connect.CodeInternal, errInternal)
}

// writeConnect writes an error by the protocol of a request, for Connect with a status.
func writeConnect(w http.ResponseWriter, r *http.Request, status int, err *connect.Error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		if status != http.StatusNotFound { // the client has no gRPC: HTTP/1.1, or another method
			w.Header().Set("Content-Length", "0")
			w.WriteHeader(status)
			return
		}
	} else {
		w = statusWriter{w, status}
	}
	_ = errorWriter.Write(w, r, err) // fails only if the caller is gone
}

// A statusWriter replaces the status of an error.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader writes the status of the writer.
func (w statusWriter) WriteHeader(int) { w.ResponseWriter.WriteHeader(w.status) }

// unknownPaths responds to requests for which a mux has no handler.
type unknownPaths struct {
	mux *http.ServeMux
	log *slog.Logger
}

// ServeHTTP serves a request.
func (h unknownPaths) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	info := InfoOf(r.Context())
	if info != nil && info.port != nil {
		info.port.handler.ServeHTTP(w, r)
		return
	}
	if info == nil || info.Procedure == "" {
		if handler, pattern := h.mux.Handler(r); pattern == "" {
			h.refuse(w, r, handler)
			return
		}
	}
	h.mux.ServeHTTP(w, r)
}

// refuse responds with the error for the response of the mux's own handler.
func (h unknownPaths) refuse(w http.ResponseWriter, r *http.Request, own http.Handler) {
	seen := &headerWriter{header: http.Header{}}
	own.ServeHTTP(seen, r)
	if allow := seen.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
	}
	switch {
	case isProcedure(r.URL.Path):
		writeConnect(w, r, seen.status, describe(statusError(seen.status), ""))
	case seen.status == http.StatusMethodNotAllowed:
		(&restWriter{ResponseWriter: w, log: h.log}).writeError(seen.status, errors.New("the path has no method "+truncateName(r.Method)+": use "+seen.header.Get("Allow")))
	default:
		(&restWriter{ResponseWriter: w, log: h.log}).writeError(http.StatusNotFound, errUnknownPath)
	}
}

// A headerWriter keeps the header and the status of a response.
type headerWriter struct {
	header http.Header
	status int
}

// Header returns the header.
func (w *headerWriter) Header() http.Header { return w.header }

// WriteHeader keeps the status.
func (w *headerWriter) WriteHeader(status int) { w.status = status }

// Write drops the body.
func (w *headerWriter) Write(data []byte) (int, error) { return len(data), nil }
