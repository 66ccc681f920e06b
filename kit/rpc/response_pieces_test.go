package rpc

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
