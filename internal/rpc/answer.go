package rpc

import (
	"net/http"
	"time"
)

const (
	// answerPieceBytes is how much of a large answer is written under one deadline. What is
	// smaller is not worth one: it fits the buffers of the connection or holds little.
	answerPieceBytes = 64 << 10
	// answerPieceTimeout is how long a caller may take to read a piece.
	answerPieceTimeout = 30 * time.Second
)

// withAnswerLimits wraps a handler so that a caller who does not read a large answer is
// disconnected: the answer would be held in memory for as long.
func withAnswerLimits(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&answerWriter{ResponseWriter: w}, r)
	})
}

// An answerWriter writes large answers in pieces, each with a deadline.
type answerWriter struct {
	http.ResponseWriter
	controller *http.ResponseController // nil until the first large write
}

// Write returns an error where the caller does not read in time; the connection, or the
// stream of HTTP/2, is then closed.
func (w *answerWriter) Write(data []byte) (written int, err error) {
	if len(data) <= answerPieceBytes {
		return w.ResponseWriter.Write(data)
	}
	if w.controller == nil {
		w.controller = http.NewResponseController(w.ResponseWriter)
	}
	for len(data) > 0 && err == nil {
		piece := data[:min(len(data), answerPieceBytes)]
		_ = w.controller.SetWriteDeadline(time.Now().Add(answerPieceTimeout)) // a writer without deadlines belongs to a test
		n, failed := w.ResponseWriter.Write(piece)
		written, data, err = written+n, data[n:], failed
	}
	if err == nil {
		_ = w.controller.SetWriteDeadline(time.Time{}) // as above
	}
	return written, err
}

// Flush sends what is buffered.
func (w *answerWriter) Flush() {
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a caller that left needs no answer
}

// Unwrap lets http.ResponseController find what w wraps.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
