// Package fake is a provider that responds to every call like Slack's chat.postMessage,
// as fast as net/http can, and records when it first received each message. All
// measured systems call the same one.
package fake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A Fake is a provider on loopback.
type Fake struct {
	URL string // base URL

	server *http.Server
	ended  chan error
	pause  atomic.Int64 // Retry-After in seconds; 0 to accept calls
	lag    atomic.Int64 // nanoseconds before each response
	tally  atomic.Pointer[Tally]
	ts     atomic.Int64
}

// Listen starts a fake. It must be closed.
func Listen(ctx context.Context) (*Fake, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fake: %w", err)
	}
	f := &Fake{URL: "http://" + listener.Addr().String(), ended: make(chan error, 1)}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	f.Expect(0, 1)
	go func() { f.ended <- f.server.Serve(listener) }()
	return f, nil
}

// Close stops the fake.
func (f *Fake) Close() error {
	err := f.server.Close()
	if ended := <-f.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// Pause makes it return 429 with a Retry-After of wait; 0 makes it accept calls again.
func (f *Fake) Pause(wait time.Duration) { f.pause.Store(int64(wait.Seconds())) }

// Lag delays every response, like a distant provider.
func (f *Fake) Lag(lag time.Duration) { f.lag.Store(int64(lag)) }

// Expect starts a new tally of messages with numbers from 0 to below messages, to width
// users each.
func (f *Fake) Expect(messages, width int) *Tally {
	t := &Tally{width: width, start: time.Now(), at: make([]atomic.Int64, messages*width), news: make(chan struct{}, 1)}
	f.tally.Store(t)
	return t
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// ServeHTTP responds to a call.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(body)
	body.Reset()
	if _, err := io.Copy(body, r.Body); err != nil {
		return // the caller has gone
	}
	w.Header().Set("Content-Type", "application/json")
	if wait := f.pause.Load(); wait > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(wait, 10))
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"ok":false,"error":"ratelimited"}`))
		return
	}
	if lag := f.lag.Load(); lag > 0 {
		select {
		case <-time.After(time.Duration(lag)):
		case <-r.Context().Done():
			return
		}
	}
	f.tally.Load().take(body.Bytes())
	response := append(body.AvailableBuffer(), `{"ok":true,"ts":"1503435956.`...)
	response = append(strconv.AppendInt(response, f.ts.Add(1), 10), `"}`...)
	_, _ = w.Write(response) // the caller reports its own errors
}
