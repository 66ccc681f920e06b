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
	// maxCallbacks is how many messages may wait for Run to call back of them; of more,
	// nobody is told.
	maxCallbacks = 100_000
	// callbacksAtOnce is how many messages Run calls back of at a time.
	callbacksAtOnce = 64
	// callbackTimeout bounds a call, and callbackPause is the time between two of a
	// message.
	callbackTimeout = 15 * time.Second
	callbackPause   = 20 * time.Millisecond
)

// A callback is what a fake has to say later of a message: one form after the other,
// posted to one place.
type callback struct {
	at    string
	forms []url.Values
	sign  func(at string, form url.Values) http.Header
}

// later leaves a callback to Run.
func (m *Mockup) later(c callback) {
	select {
	case m.callbacks <- c:
	default:
	}
}

// Run calls back, each message's words in their order, until ctx ends. Nothing is
// called twice: whoever does not listen is told once.
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

// callBack says all of a callback.
func (m *Mockup) callBack(ctx context.Context, c callback) {
	for _, form := range c.forms {
		if m.Wait(ctx, callbackPause) != nil {
			return
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.at, strings.NewReader(form.Encode()))
		if err != nil {
			return // it is no URL
		}
		req.Header = c.sign(c.at, form)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if res, err := m.Client.Do(req); err == nil {
			_ = res.Body.Close() // whatever the answer was
		}
	}
}
