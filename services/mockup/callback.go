package mockup

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// maxCallbacks is how many messages may be queued for callbacks; further ones are
	// dropped.
	maxCallbacks = 100_000
	// callbacksAtOnce is the number of messages for which Run sends callbacks
	// concurrently.
	callbacksAtOnce = 64
	// callbackTimeout is the timeout of a callback, and callbackPause is the time
	// between two of one message.
	callbackTimeout = 15 * time.Second
	callbackPause   = 20 * time.Millisecond
)

// A callback holds the receipts of a message: forms that are posted to one URL, one
// after the other.
type callback struct {
	at    string
	forms []url.Values
	sign  func(at string, form url.Values) http.Header
}

// scheduleCallback queues a callback for Run.
func (m *Mockup) scheduleCallback(c callback) {
	select {
	case m.callbacks <- c:
	default:
	}
}

// Run sends the callbacks, those of a message in order, until ctx ends. Failed requests
// are not retried.
func (m *Mockup) Run(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(callbacksAtOnce)
	for {
		select {
		case c := <-m.callbacks:
			g.Go(func() error {
				m.callBack(ctx, c)
				return nil
			})
		case <-ctx.Done():
			return g.Wait()
		}
	}
}

// callBack sends all forms of a callback.
func (m *Mockup) callBack(ctx context.Context, c callback) {
	for _, form := range c.forms {
		if m.Wait(ctx, callbackPause) != nil {
			return
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.at, strings.NewReader(form.Encode()))
		if err != nil {
			return // invalid URL
		}
		req.Header = c.sign(c.at, form)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if res, err := m.Client.Do(req); err == nil {
			_ = res.Body.Close() // the response is ignored
		}
	}
}
