package rpc

import (
	"net/http"
	"time"
)

const (
	// answerPieceBytes is the size of the pieces of a large response, each with its own
	// deadline. A smaller response needs none: it fits the buffers of the connection or
	// holds little memory.
	answerPieceBytes = 64 << 10
	// answerPieceTimeout is the timeout for the caller to read a piece.
	answerPieceTimeout = 30 * time.Second
)

// withAnswerLimits wraps a handler so that a caller that does not read a large response is
// disconnected: otherwise the response would stay in memory.
func withAnswerLimits(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&answerWriter{ResponseWriter: w}, r)
	})
}

// An answerWriter writes large responses in pieces, each with a deadline.
type answerWriter struct {
	http.ResponseWriter
	controller *http.ResponseController // nil until the first large write
}

// Write returns an error if the caller does not read in time; the connection, or the HTTP/2
// stream, is then closed.
func (w *answerWriter) Write(data []byte) (written int, err error) {
	if len(data) <= answerPieceBytes {
		return w.ResponseWriter.Write(data)
	}
	if w.controller == nil {
		w.controller = http.NewResponseController(w.ResponseWriter)
	}
	for len(data) > 0 && err == nil {
		piece := data[:min(len(data), answerPieceBytes)]
		_ = w.controller.SetWriteDeadline(time.Now().Add(answerPieceTimeout)) // fails only for the writer of a test
		n, failed := w.ResponseWriter.Write(piece)
		written, data, err = written+n, data[n:], failed
	}
	if err == nil {
		_ = w.controller.SetWriteDeadline(time.Time{}) // fails only for the writer of a test
	}
	return written, err
}

// Flush flushes the buffers.
func (w *answerWriter) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // fails only if the caller is gone
}

// Unwrap returns the wrapped writer to http.ResponseController.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
