package rpc

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// TestUnreadResponses checks that a large response is kept for callers that read it,
// however slowly, and not for others.
func TestUnreadResponses(t *testing.T) {
	answer := bytes.Repeat([]byte("x"), 1<<20)
	for _, c := range []struct {
		name  string
		pause time.Duration // before each piece of 64 KiB is read
		took  time.Duration
		err   bool
	}{
		{"one that reads nothing", time.Hour, pieceTimeout, true},
		{"one that reads too slowly", pieceTimeout + time.Second, pieceTimeout, true},
		{"one that reads slowly", pieceTimeout - time.Second, 16 * (pieceTimeout - time.Second), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				type end struct {
					took time.Duration
					n    int
					err  error
				}
				ended := make(chan end, 1)
				listener := serveInMemory(t, 1, slog.New(slog.DiscardHandler), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
					w.(http.Flusher).Flush()
					began := time.Now()
					n, err := w.Write(answer)
					ended <- end{time.Since(began), n, err}
				}))
				conn, _ := listener.Dial(t.Context(), "", "")
				stop, read := make(chan struct{}), make(chan struct{})
				go func() {
					defer close(read)
					_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
					header := make([]byte, 4<<10)
					_, _ = conn.Read(header)
					for {
						select {
						case <-time.After(c.pause):
						case <-stop:
							return
						}
						if _, err := io.CopyN(io.Discard, conn, pieceBytes); err != nil {
							return
						}
					}
				}()
				got := <-ended
				if (got.err != nil) != c.err || !c.err && got.n != len(answer) || got.took.Round(time.Second) != c.took {
					t.Errorf("the answer ended after %s, %d bytes: %v; want %s", got.took, got.n, got.err, c.took)
				}
				close(stop)
				_ = conn.Close()
				<-read
			})
		})
	}
}

// TestRecordedResponses checks the status and the size of a response, however it is written.
func TestRecordedResponses(t *testing.T) {
	for _, c := range []struct {
		name    string
		write   func(http.ResponseWriter)
		status  int
		written int64
	}{
		{"nothing", func(http.ResponseWriter) {}, 0, 0},
		{"a header", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) }, http.StatusNoContent, 0},
		{"a body", func(w http.ResponseWriter) { _, _ = io.WriteString(w, "abc") }, http.StatusOK, 3},
		{"both", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound); _, _ = io.WriteString(w, "abc") }, http.StatusNotFound, 3},
		{"a large body", func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 3*pieceBytes+1)) }, http.StatusOK, 3*pieceBytes + 1},
		{"a stream", func(w http.ResponseWriter) {
			for range 3 {
				_, _ = io.WriteString(w, "ab")
				w.(http.Flusher).Flush()
			}
		}, http.StatusOK, 6},
		{"a flushed header", func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }, http.StatusOK, 0},
		{"early hints", func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints); w.WriteHeader(http.StatusAccepted) }, http.StatusAccepted, 0},
		{"two headers", func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound); w.WriteHeader(http.StatusOK) }, http.StatusNotFound, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := RecordResponse(httptest.NewRecorder())
			if RecordResponse(w) != w {
				t.Error("a writer is wrapped twice")
			}
			c.write(w)
			if w.Status() != c.status || w.Written() != c.written {
				t.Errorf("status %d, %d bytes; want %d, %d", w.Status(), w.Written(), c.status, c.written)
			}
		})
	}
}
