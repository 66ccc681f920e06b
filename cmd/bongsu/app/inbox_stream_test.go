package app

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// An inboxStream is a stream of GET /v1/inbox/stream.
type inboxStream struct {
	t     *testing.T
	body  io.ReadCloser
	lines *bufio.Scanner
}

// openInboxStream opens a stream of an inbox after the last event; empty for none.
func openInboxStream(t *testing.T, edge, lastEvent string) inboxStream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+edge+"/v1/inbox/stream?nickName=kim", nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEvent != "" {
		req.Header.Set("Last-Event-ID", lastEvent)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("X-Request-Id") == "" {
		t.Fatalf("%d %v", res.StatusCode, res.Header)
	}
	return inboxStream{t, res.Body, bufio.NewScanner(res.Body)}
}

// next returns the next event as "id name text"; empty at the end of the stream.
func (s inboxStream) next() string {
	s.t.Helper()
	var id, name, text string
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			var item struct{ Text string }
			if err := json.Unmarshal([]byte(value), &item); err != nil {
				s.t.Fatal(err)
			}
			text = item.Text
		case "":
			if id+name != "" {
				return id + " " + name + " " + text
			}
		}
	}
	return ""
}

// storeItem stores an item by the port of an inbox service.
func storeItem(t *testing.T, addr string, delivery int64, text string) {
	t.Helper()
	storeOfIncident(t, addr, delivery, "", text)
}

// storeOfIncident stores an item of an incident; empty for none.
func storeOfIncident(t *testing.T, addr string, delivery int64, incident, text string) {
	t.Helper()
	client := inboxv1connect.NewInboxDeliveryServiceClient(http.DefaultClient, "http://"+addr)
	if _, err := client.Store(t.Context(), &inboxv1.StoreRequest{Deliveries: []*inboxv1.InboxDelivery{
		{DeliveryId: delivery, NickName: "kim", Item: &inboxv1.Item{AlertId: "1", Text: text, Incident: incident}},
	}}); err != nil {
		t.Fatal(err)
	}
}

// TestInboxStream checks the stream of an inbox by the edge: new items and changes come at once, a client that
// connects again gets those that it missed, and the end of the process is the end of the stream,
// without an error and before the grace period.
func TestInboxStream(t *testing.T) {
	noDrain := time.Duration(0)
	a, err := New(t.Context(), Config{
		Data: t.TempDir(), Edge: edge.Config{Addr: "127.0.0.1:0"}, Inbox: inbox.Config{Addr: "127.0.0.1:0"}, Drain: &noDrain, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(running) }()
	expect := func(s inboxStream, want string) {
		t.Helper()
		if got := s.next(); got != want {
			t.Errorf("event %q, want %q", got, want)
		}
	}
	first := openInboxStream(t, a.Addr(Edge), "")
	expect(first, "0 ready ")
	storeItem(t, a.Addr(Inbox), 1, "one")
	expect(first, "1  one")
	if err := first.body.Close(); err != nil {
		t.Fatal(err)
	}
	storeItem(t, a.Addr(Inbox), 2, "two")
	storeItem(t, a.Addr(Inbox), 2, "two")
	again := openInboxStream(t, a.Addr(Edge), "1")
	expect(again, "1 ready ")
	expect(again, "2  two")
	storeItem(t, a.Addr(Inbox), 3, "three")
	expect(again, "3  three")
	storeOfIncident(t, a.Addr(Inbox), 4, "9", "fires")
	storeOfIncident(t, a.Addr(Inbox), 5, "9", "is resolved")
	expect(again, "4  fires")
	expect(again, "5 change is resolved")
	late := openInboxStream(t, a.Addr(Edge), "3")
	expect(late, "3 ready ")
	expect(late, "5  is resolved") // it does not have the item
	knows := openInboxStream(t, a.Addr(Edge), "4")
	expect(knows, "4 ready ")
	expect(knows, "5 change is resolved")
	began := time.Now()
	stop()
	expect(again, "")
	if err := <-ended; err != nil || time.Since(began) > shutdownGrace/2 {
		t.Errorf("stopped after %s: %v", time.Since(began), err)
	}
}

// TestInboxStreamOfOtherProcesses checks that a reader of one inbox service gets the items that
// another one stores, by NATS.
func TestInboxStreamOfOtherProcesses(t *testing.T) {
	nats, data := natsServer(t), t.TempDir()
	database := data + "/shared.db"
	one := runProcess(t, Config{Services: []string{Inbox}, NATSURL: nats, Inbox: inbox.Config{Addr: "127.0.0.1:0", DatabaseURL: database}})
	other := runProcess(t, Config{Services: []string{Inbox}, NATSURL: nats, Inbox: inbox.Config{Addr: "127.0.0.1:0", DatabaseURL: database}})
	client := inboxv1connect.NewInboxServiceClient(http.DefaultClient, "http://"+other.Addr(Inbox))
	stream, err := client.Watch(t.Context(), &inboxv1.WatchRequest{NickName: "kim"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	if !stream.Receive() {
		t.Fatal(stream.Err())
	}
	for i, text := range []string{"one", "two"} {
		storeItem(t, one.Addr(Inbox), int64(i+1), text)
		if !stream.Receive() || stream.Msg().GetItem().GetText() != text {
			t.Fatalf("%v, %v; want %s", stream.Msg(), stream.Err(), text)
		}
	}
}
