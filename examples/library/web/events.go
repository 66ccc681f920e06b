package web

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"

	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// commentInterval is the time between two comments, which keep an idle connection open.
const commentInterval = 15 * time.Second

// events streams the entries of MyPage as Server-Sent Events: those that are, then each one that
// changes. The data of an event is the entry as HTML, by the template of the page.
func (h *handler) events(w http.ResponseWriter, r *http.Request) error {
	ctx, end := context.WithCancel(r.Context())
	defer end()
	stream, err := h.edge.myPage.WatchEntries(ctx, &mypagev1.WatchEntriesRequest{})
	if err != nil {
		return err
	}
	entries := make(chan *mypagev1.Entry)
	var receiving sync.WaitGroup
	receiving.Go(func() { receive(ctx, stream, entries) })
	defer func() { end(); receiving.Wait(); _ = stream.Close() }() // it has ended by then

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	comments := time.NewTicker(commentInterval)
	defer comments.Stop()
	event := []byte("retry: 2000\n\n")
	for send(w, event) == nil {
		select {
		case one, open := <-entries:
			if !open { // the page connects again
				if connect.CodeOf(stream.Err()) == connect.CodeUnauthenticated { // the key was revoked
					h.sessions.stop(r)
				}
				return nil
			}
			if event, err = eventOf(one); err != nil {
				h.log.ErrorContext(ctx, "entry cannot be rendered", "error", err)
				return nil
			}
		case <-comments.C:
			event = []byte(":\n\n")
		case <-rpc.InfoOf(ctx).Stopping():
			return nil
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// receive hands on the entries of a stream, and closes the channel after the last one.
func receive(ctx context.Context, stream *connect.ServerStreamForClient[mypagev1.WatchEntriesResponse], entries chan<- *mypagev1.Entry) {
	defer close(entries)
	for stream.Receive() {
		select {
		case entries <- stream.Msg().GetEntry():
		case <-ctx.Done():
			return
		}
	}
}

// send writes an event at once.
func send(w http.ResponseWriter, event []byte) error {
	if _, err := w.Write(event); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// eventOf returns the event of an entry.
func eventOf(e *mypagev1.Entry) ([]byte, error) {
	var html strings.Builder
	if err := pages["mypage"].ExecuteTemplate(&html, "entry", entry{e}); err != nil {
		return nil, err
	}
	var event bytes.Buffer
	for line := range strings.Lines(strings.TrimSpace(html.String())) {
		event.WriteString("data: " + strings.TrimRight(line, "\r\n") + "\n")
	}
	event.WriteByte('\n')
	return event.Bytes(), nil
}
