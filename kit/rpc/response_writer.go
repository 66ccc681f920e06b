package rpc

import (
	"net/http"
	"time"
)

const (
	// pieceBytes is the size of the pieces of a large response, each with its own
	// deadline. A smaller response needs none: it fits the buffers of the connection or
	// holds little memory.
	pieceBytes = 64 << 10
	// pieceTimeout is the timeout for the caller to read a piece.
	pieceTimeout = 30 * time.Second
)

// withResponseLimits wraps a handler so that a caller that does not read a large response is
// disconnected: otherwise the response would stay in memory.
func withResponseLimits(next http.Handler) http.Handler {
	return limitedResponses{next}
}

type limitedResponses struct{ next http.Handler }

// ServeHTTP serves a request.
func (h limitedResponses) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.next.ServeHTTP(&ResponseWriter{ResponseWriter: w}, r)
}

// A ResponseWriter writes large responses in pieces, each with a deadline, and records the
// status and the size of the response. A server has one for each request, below the
// stages of its port. It is used by one goroutine, as every http.ResponseWriter.
type ResponseWriter struct {
	http.ResponseWriter
	controller *http.ResponseController // nil until the first large write
	status     int                      // 0 before the header is written
	written    int64
}

// RecordResponse returns w if it is a ResponseWriter, as in every request to a Server, and a
// new one around w if not.
func RecordResponse(w http.ResponseWriter) *ResponseWriter {
	if recorded, ok := w.(*ResponseWriter); ok {
		return recorded
	}
	return &ResponseWriter{ResponseWriter: w}
}

// Status returns the status of the response; 0 if none is written yet.
func (w *ResponseWriter) Status() int { return w.status }

// Written returns the number of bytes of the body that are written, compressed as they are
// sent.
func (w *ResponseWriter) Written() int64 { return w.written }

// WriteHeader writes the header.
func (w *ResponseWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // others are informational, and another one follows
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write returns an error if the caller does not read in time; the connection, or the HTTP/2
// stream, is then closed.
func (w *ResponseWriter) Write(data []byte) (written int, err error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	if len(data) <= pieceBytes {
		written, err = w.ResponseWriter.Write(data)
	} else {
		written, err = w.writePieces(data)
	}
	w.written += int64(written)
	return written, err
}

func (w *ResponseWriter) writePieces(data []byte) (written int, err error) {
	if w.controller == nil {
		w.controller = http.NewResponseController(w.ResponseWriter)
	}
	for len(data) > 0 && err == nil {
		piece := data[:min(len(data), pieceBytes)]
		_ = w.controller.SetWriteDeadline(time.Now().Add(pieceTimeout)) // fails only for the writer of a test
		n, failed := w.ResponseWriter.Write(piece)
		written, data, err = written+n, data[n:], failed
	}
	if err == nil {
		_ = w.controller.SetWriteDeadline(time.Time{}) // fails only for the writer of a test
	}
	return written, err
}

// Flush flushes the buffers.
func (w *ResponseWriter) Flush() {
	_ = w.FlushError() // fails only if the caller is gone
}

// FlushError is Flush with the error, for http.ResponseController.
func (w *ResponseWriter) FlushError() error {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap returns the wrapped writer to http.ResponseController.
func (w *ResponseWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
