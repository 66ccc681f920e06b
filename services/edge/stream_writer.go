package edge

import (
	"net/http"
	"time"
)

// streamTimeout is the timeout of a write to a stream: a caller that does not read for so long
// is disconnected, or its messages would stay in memory.
const streamTimeout = 30 * time.Second

// A streamWriter writes a stream with a timeout for each write.
type streamWriter struct {
	http.ResponseWriter
	controller *http.ResponseController
	timeout    time.Duration
}

func newStreamWriter(w http.ResponseWriter, timeout time.Duration) *streamWriter {
	return &streamWriter{ResponseWriter: w, controller: http.NewResponseController(w), timeout: timeout}
}

// Write returns an error if the caller does not read in time.
func (w *streamWriter) Write(data []byte) (int, error) {
	w.setDeadline(time.Now().Add(w.timeout))
	defer w.setDeadline(time.Time{}) // by HTTP/2 it would end a stream that is idle
	return w.ResponseWriter.Write(data)
}

// Flush flushes the buffers, under the same timeout.
func (w *streamWriter) Flush() {
	_ = w.FlushError() // fails only if the caller is gone, which ends the context
}

// FlushError is Flush with the error, for http.ResponseController.
func (w *streamWriter) FlushError() error {
	w.setDeadline(time.Now().Add(w.timeout))
	defer w.setDeadline(time.Time{})
	return w.controller.Flush()
}

func (w *streamWriter) setDeadline(at time.Time) {
	_ = w.controller.SetWriteDeadline(at) // fails only for the writer of a test
}

// Unwrap returns the wrapped writer to http.ResponseController.
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
