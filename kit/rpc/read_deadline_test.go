package rpc

import (
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// http2Preface is what a client of HTTP/2 sends first.
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// TestSlowRequestsEnd checks that a connection whose request does not arrive ends, by each
// version of HTTP and at each point of a request: from its first byte to its header, and from
// there to the end of its body. Pieces arrive as slowly as the limits allow.
func TestSlowRequestsEnd(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\n"
	settings := string([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0})
	header := string([]byte{0, 0, 100, 1, 0, 0, 0, 0, 1}) // of 100 bytes that follow
	for _, c := range []struct {
		name  string
		sent  string
		piece string // sent again and again, after pause
		pause time.Duration
		most  time.Duration
	}{
		{"nothing", "", "", 0, readHeaderTimeout},
		{"a header that ends early", "POST", "", 0, readHeaderTimeout},
		{"a header in pieces", post, "X-A: b\r\n", time.Second, readHeaderTimeout},
		{"no body", post + "Content-Length: 100\r\n\r\n", "", 0, 30 * time.Second},
		{"a body in pieces", post + "Content-Length: 1048576\r\n\r\n", "x", 20 * time.Second, 3 * time.Minute},
		{"a chunked body in pieces", post + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n", 20 * time.Second, 3 * time.Minute},
		{"HTTP/2 without settings", http2Preface, "", 0, 15 * time.Second},
		{"HTTP/2 with half a preface", http2Preface[:10], "", 0, 15 * time.Second},
		{"HTTP/2 with half a header", http2Preface + settings + header, "", 0, pingInterval + pingTimeout + time.Second},
		{"HTTP/2 with a header in pieces", http2Preface + settings + header, "x", 20 * time.Second, pingInterval + pingTimeout + time.Second},
		{"HTTP/2 with a header in frames", http2Preface + settings + header[:2] + "\x01\x01\x00" + header[5:] + "\x82", "\x00\x00\x01\x09\x00\x00\x00\x00\x01\x84", 20 * time.Second, pingInterval + pingTimeout + time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := serveInMemory(t, 0, slog.New(slog.DiscardHandler), whole)
				conn, _ := listener.Dial(t.Context(), "", "")
				began := time.Now()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					_, _ = io.Copy(io.Discard, conn)
				}()
				go slowly(conn, c.sent, c.piece, c.pause, ended)
				<-ended
				if after := time.Since(began); after > c.most {
					t.Errorf("it ended after %s, more than %s", after, c.most)
				}
				_ = conn.Close()
			})
		})
	}
}

// slowly sends text, and then pieces, until the connection has ended.
func slowly(conn net.Conn, text, piece string, pause time.Duration, ended <-chan struct{}) {
	if _, err := io.WriteString(conn, text); err != nil || piece == "" {
		return
	}
	for {
		select {
		case <-ended:
			return
		case <-time.After(pause):
		}
		if _, err := io.WriteString(conn, piece); err != nil {
			return
		}
	}
}
