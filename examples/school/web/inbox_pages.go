package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// streamPath is the path of the stream of the number of unread items.
const streamPath = "/inbox/stream"

// keepAlive is the interval of comments in a stream without events, for proxies.
const keepAlive = 15 * time.Second

var errStream = errors.New("the stream of the inbox has no first message")

// InboxPage is the content of the inbox.
type InboxPage struct {
	List
	Items []*inboxv1.Item
	Last  string // the newest position of the page; empty for none
}

// inbox shows the inbox, which is that of Bongsu.
func (v *visit) inbox() error {
	res, err := v.api.inbox.List(v.ctx(), &inboxv1.ListRequest{UnreadOnly: v.query("unread") != "", PageSize: listSize, PageToken: v.query("page")})
	if err != nil {
		return err
	}
	p := InboxPage{List: v.list(res.GetNextPageToken()), Items: res.GetItems()}
	if len(p.Items) > 0 && p.First == "" {
		p.Last = p.Items[0].GetPosition()
	}
	return v.page("inbox", "알림함", p)
}

// markRead marks an item as read.
func (v *visit) markRead() error {
	if _, err := v.api.inbox.MarkRead(v.ctx(), &inboxv1.MarkReadRequest{Id: v.r.PathValue("id")}); err != nil {
		return err
	}
	return v.redirect("/inbox")
}

// markAllRead marks the items that the person has seen as read.
func (v *visit) markAllRead() error {
	f, err := v.form()
	if err != nil {
		return err
	}
	if _, err := v.api.inbox.MarkAllRead(v.ctx(), &inboxv1.MarkAllReadRequest{UpToId: f.Value("last")}); err != nil {
		return err
	}
	return v.redirect("/inbox")
}

// inboxStream sends the number of unread items: at the beginning, and after each change of the inbox.
func (v *visit) inboxStream() error {
	ctx, cancel := context.WithCancel(v.ctx())
	changes, err := v.watchInbox(ctx)
	if err != nil {
		cancel()
		return err
	}
	defer func() {
		cancel()
		for range changes { // until the stream is closed
		}
	}()
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no") // nginx
	writer, tick := http.NewResponseController(v.w), time.NewTicker(keepAlive)
	defer tick.Stop()
	event := "retry: 2000\n\n"
	for {
		if _, err := fmt.Fprint(v.w, event); err != nil {
			return nil // the person has gone
		}
		if err := writer.Flush(); err != nil {
			return nil // as above
		}
		select {
		case _, ok := <-changes:
			if !ok || v.pages.sessions.of(v.r, v.pages.now()) == nil { // the person has signed out in another tab
				return nil // the browser connects again
			}
			res, err := v.api.inbox.CountUnread(ctx, &inboxv1.CountUnreadRequest{})
			if err != nil {
				return nil // the browser connects again
			}
			event = fmt.Sprintf("event: unread\ndata: %d\n\n", res.GetCount())
		case <-tick.C:
			event = ":\n\n"
		case <-rpc.InfoOf(ctx).Stopping():
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// watchInbox returns a channel with an element after the beginning, and after changes of the inbox. It is
// closed when the stream ends. The end of ctx ends it.
func (v *visit) watchInbox(ctx context.Context) (<-chan struct{}, error) {
	stream, err := v.api.inbox.Watch(ctx, &inboxv1.WatchRequest{})
	if err != nil {
		return nil, err
	}
	if !stream.Receive() { // the first message comes at once
		err := stream.Err()
		_ = stream.Close() // Receive has returned the error
		if err == nil {
			err = connect.NewError(connect.CodeUnavailable, errStream)
		}
		return nil, err
	}
	changes := make(chan struct{}, 1)
	changes <- struct{}{}
	go func() {
		defer close(changes)
		defer stream.Close()
		for stream.Receive() {
			select {
			case changes <- struct{}{}:
			default: // one is pending
			}
		}
	}()
	return changes, nil
}
