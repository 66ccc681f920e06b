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
	h.next.ServeHTTP(&pieceWriter{ResponseWriter: w}, r)
}

// A pieceWriter writes large responses in pieces, each with a deadline.
type pieceWriter struct {
	http.ResponseWriter
	controller *http.ResponseController // nil until the first large write
}

// Write returns an error if the caller does not read in time; the connection, or the HTTP/2
// stream, is then closed.
func (w *pieceWriter) Write(data []byte) (written int, err error) {
	if len(data) <= pieceBytes {
		return w.ResponseWriter.Write(data)
	}
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
func (w *pieceWriter) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // fails only if the caller is gone
}

// Unwrap returns the wrapped writer to http.ResponseController.
func (w *pieceWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
