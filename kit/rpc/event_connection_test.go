package rpc

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// A pieceWriter is a response whose pieces go to a channel when they are flushed.
type pieceWriter struct {
	header http.Header
	status int
	buffer []byte
	pieces chan string
	lost   bool // after the first piece
}

func (w *pieceWriter) Header() http.Header { return w.header }

func (w *pieceWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *pieceWriter) Write(data []byte) (int, error) {
	w.buffer = append(w.buffer, data...)
	return len(data), nil
}

func (w *pieceWriter) FlushError() error {
	if w.lost && len(w.pieces) > 0 {
		return io.ErrClosedPipe
	}
	w.pieces <- string(w.buffer)
	w.buffer = nil
	return nil
}

// TestEventComments checks that a stream without events has a comment after each interval, and
// none after its end.
func TestEventComments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		send := make(chan struct{})
		handler := watchHandler(t, Listener{}, func(_ context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
			if err := stream.Conn().Send(nil); err != nil { // the header
				return err
			}
			for range send {
				if err := stream.Send(item("1")); err != nil {
					return err
				}
			}
			return nil
		})
		w := &pieceWriter{header: http.Header{}, pieces: make(chan string, 10)}
		ended := make(chan struct{})
		start := time.Now()
		go func() {
			defer close(ended)
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, streamPath, nil))
		}()
		if first := <-w.pieces; !strings.HasPrefix(first, "retry: ") || time.Since(start) != 0 {
			t.Errorf("%q after %s", first, time.Since(start))
		}
		if piece := <-w.pieces; piece != ":\n\n" || time.Since(start) != commentInterval {
			t.Errorf("%q after %s", piece, time.Since(start))
		}
		if piece := <-w.pieces; piece != ":\n\n" || time.Since(start) != 2*commentInterval {
			t.Errorf("%q after %s", piece, time.Since(start))
		}
		time.Sleep(commentInterval - time.Second)
		send <- struct{}{}
		if piece := <-w.pieces; !strings.HasPrefix(piece, "id: 1\ndata: {") {
			t.Errorf("%q", piece)
		}
		sent := time.Now()
		if piece := <-w.pieces; piece != ":\n\n" || time.Since(sent) != commentInterval {
			t.Errorf("%q %s after an event", piece, time.Since(sent))
		}
		close(send)
		<-ended
		time.Sleep(2 * commentInterval)
		synctest.Wait()
		if len(w.pieces) > 0 || len(w.buffer) > 0 {
			t.Errorf("%q after the end", <-w.pieces)
		}
	})
}

// TestEventsOfLostClient checks that a stream ends if a comment cannot be sent, as one whose client
// does not read.
func TestEventsOfLostClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handler := watchHandler(t, Listener{}, func(ctx context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
			if err := stream.Conn().Send(nil); err != nil {
				return err
			}
			<-ctx.Done()
			if err := stream.Send(item("1")); connect.CodeOf(err) != connect.CodeCanceled {
				t.Errorf("an event of a lost client: %v", err)
			}
			return ctx.Err()
		})
		w := &pieceWriter{header: http.Header{}, pieces: make(chan string, 1), lost: true}
		start := time.Now()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, streamPath, nil))
		if time.Since(start) != commentInterval {
			t.Errorf("ended after %s", time.Since(start))
		}
	})
}

// TestEventsOfStoppingService checks that a stream ends without an error, also in the log, if the
// service behind it stops, which may be in another process. Before the first event, the request
// fails.
func TestEventsOfStoppingService(t *testing.T) {
	var log bytes.Buffer
	stops := fault.WithReason(fault.WithDelay(fault.Unavailablef("the service stops"), time.Second), "STOPPING")
	handler := watchHandler(t, Listener{}, func(_ context.Context, req *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
		if req.GetAfterId() == "9" {
			return stops
		}
		if err := stream.Send(item("1")); err != nil {
			return err
		}
		return stops
	}, errorInterceptor{slog.New(slog.NewTextHandler(&log, nil))})
	serve := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	next := events(t, serve(streamPath).Body)
	if e := next(); e.id != "1" {
		t.Errorf("first event %q", e)
	}
	if e := next(); e != (received{}) {
		t.Errorf("after the stop: %q", e)
	}
	if w := serve(streamPath + "?afterId=9"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" {
		t.Errorf("a stream that begins then: %d %v", w.Code, w.Header())
	}
	if log.Len() > 0 {
		t.Errorf("log: %s", &log)
	}
}

// TestEventsOfStoppingPort checks that a port that stops ends its streams without an error, also
// one that begins then.
func TestEventsOfStoppingPort(t *testing.T) {
	stopping := make(chan struct{})
	url := serveWatch(t, Listener{Stopping: stopping}, func(ctx context.Context, _ *inboxv1.WatchRequest, stream *connect.ServerStream[inboxv1.WatchResponse]) error {
		if err := stream.Send(item("1")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})
	first, second := events(t, get(t, http.MethodGet, url+streamPath).Body), events(t, get(t, http.MethodGet, url+streamPath).Body) //nolint:bodyclose // closed when the test ends
	for _, next := range []func() received{first, second} {
		if e := next(); e.id != "1" {
			t.Errorf("first event %q", e)
		}
	}
	close(stopping)
	for _, next := range []func() received{first, second} {
		if e := next(); e != (received{}) {
			t.Errorf("after the stop: %q", e)
		}
	}
	if res := get(t, http.MethodGet, url+streamPath); res.StatusCode != http.StatusOK { //nolint:bodyclose // closed when the test ends
		t.Errorf("a stream that begins then: %d", res.StatusCode)
	} else if _, err := io.ReadAll(res.Body); err != nil {
		t.Error(err)
	}
}
