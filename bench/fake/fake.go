// Package fake is a provider that answers every call as Slack answers
// chat.postMessage, as fast as net/http can, and remembers when it was first told
// what. Everything that is compared calls the same one.
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
	URL string // where it is

	server *http.Server
	ended  chan error
	pause  atomic.Int64 // seconds that it asks to wait; 0 where it takes calls
	lag    atomic.Int64 // nanoseconds before each answer
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

// Close ends it.
func (f *Fake) Close() error {
	err := f.server.Close()
	if ended := <-f.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// Pause makes it ask every caller to wait for so long; 0 makes it take calls again.
func (f *Fake) Pause(wait time.Duration) { f.pause.Store(int64(wait.Seconds())) }

// Lag makes it answer every call only after so long, as providers do that are far away.
func (f *Fake) Lag(lag time.Duration) { f.lag.Store(int64(lag)) }

// Expect makes it forget what it was told, and remember from now on messages with
// numbers from 0 to below messages, to width people each.
func (f *Fake) Expect(messages, width int) *Tally {
	t := &Tally{width: width, start: time.Now(), at: make([]atomic.Int64, messages*width), news: make(chan struct{}, 1)}
	f.tally.Store(t)
	return t
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// ServeHTTP answers a call.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(body)
	body.Reset()
	if _, err := io.Copy(body, r.Body); err != nil {
		return // the caller is gone
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
	answer := append(body.AvailableBuffer(), `{"ok":true,"ts":"1503435956.`...)
	answer = append(strconv.AppendInt(answer, f.ts.Add(1), 10), `"}`...)
	_, _ = w.Write(answer) // a caller that is gone shows in what it says itself
}
