package inbox_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1/inboxv1connect"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// serve serves the service with a hub, and returns its client.
func serve(t testing.TB, s inbox.Store, hub *inbox.Hub) inboxv1connect.InboxServiceClient {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	options, err := rpc.NewOptions(log, noop.NewMeterProvider(), nil)
	kittest.NoError(t, err)
	handler, err := rpc.Listener{Services: []rpc.Service{
		rpc.Public(options, inboxv1connect.NewInboxServiceHandler, inboxv1connect.InboxServiceHandler(&inbox.Handler{Store: s, Hub: hub, Now: time.Now})),
	}}.Handler()
	kittest.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return inboxv1connect.NewInboxServiceClient(server.Client(), server.URL)
}

// TestWatch checks the stream of a caller.
func TestWatch(t *testing.T) {
	s := openStore(t)
	hub, stop := startHub(t, s, nil)
	client := serve(t, s, hub)
	deliver(t, s, hub, "kim", "kim")
	stream, err := client.Watch(t.Context(), &inboxv1.WatchRequest{NickName: "kim", AfterId: "1"})
	kittest.NoError(t, err)
	defer stream.Close()
	for _, id := range []string{"", "2", "3"} {
		if id == "3" {
			deliver(t, s, hub, "kim")
		}
		if !stream.Receive() || stream.Msg().GetItem().GetId() != id || id != "" && stream.Msg().GetItem().GetText() != "disk full" {
			t.Fatalf("%v, %v; want item %q", stream.Msg(), stream.Err(), id)
		}
	}
	stop()
	if stream.Receive() || connect.CodeOf(stream.Err()) != connect.CodeUnavailable {
		t.Errorf("after the stop: %v", stream.Err())
	}
}

// TestWatchInvalid checks the requests that are refused.
func TestWatchInvalid(t *testing.T) {
	s := openStore(t)
	hub, _ := startHub(t, s, nil)
	client := serve(t, s, hub)
	for _, req := range []*inboxv1.WatchRequest{
		{}, {NickName: "kim", AfterId: "-1"}, {NickName: "kim", AfterId: "x"}, {NickName: "kim", AfterId: "9223372036854775808"},
	} {
		stream, err := client.Watch(t.Context(), req)
		kittest.NoError(t, err)
		if stream.Receive() || connect.CodeOf(stream.Err()) != connect.CodeInvalidArgument {
			t.Errorf("%v: %v", req, stream.Err())
		}
		_ = stream.Close() // it has ended
	}
}

// A follower reads an inbox in many streams, each after the last item of the one before.
type follower struct {
	nickname string
	began    int64 // the position of its first stream
	got      []int64
}

// follow reads one stream, of at most n items, and until last if that is above 0.
func (f *follower) follow(ctx context.Context, client inboxv1connect.InboxServiceClient, n int, last int64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req := &inboxv1.WatchRequest{NickName: f.nickname}
	if f.began >= 0 {
		req.AfterId = strconv.FormatInt(f.position(), 10)
	}
	stream, err := client.Watch(ctx, req)
	if err != nil {
		return err
	}
	defer stream.Close()
	if !stream.Receive() {
		return stream.Err()
	}
	position, err := strconv.ParseInt(stream.Msg().GetAfterId(), 10, 64)
	if err != nil {
		return err
	}
	if f.began < 0 {
		f.began = position
	} else if position != f.position() {
		return errors.New("a stream begins at " + stream.Msg().GetAfterId() + " and not after " + req.GetAfterId())
	}
	for ; n > 0 && (last == 0 || f.position() < last); n-- {
		if !stream.Receive() {
			return stream.Err()
		}
		id, err := strconv.ParseInt(stream.Msg().GetItem().GetId(), 10, 64)
		if err != nil {
			return err
		}
		f.got = append(f.got, id)
	}
	return nil
}

// position returns the last item that the follower has.
func (f *follower) position() int64 {
	if len(f.got) == 0 {
		return f.began
	}
	return f.got[len(f.got)-1]
}

// TestNoGapNoRepeat is a property test: items are stored by two processes while readers of both
// connect, disconnect and resume at either, and the NATS server goes away and comes back. Each
// reader gets every item after its beginning once and in order.
func TestNoGapNoRepeat(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	s, b := openStore(t), startBroker(t)
	var hubs []*inbox.Hub
	var clients []inboxv1connect.InboxServiceClient
	for range 2 {
		hub, _ := startHub(t, s, b.bus(t))
		hubs, clients = append(hubs, hub), append(clients, serve(t, s, hub))
	}
	nicknames := []string{"kim", "lee", "김철수"}
	const writers, items, outages = 3, 60, 2
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var writing, reading sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(w)))
			for range items {
				some := make([]string, 1+random.IntN(4))
				for i := range some {
					some[i] = nicknames[random.IntN(len(nicknames))]
				}
				deliver(t, s, hubs[random.IntN(2)], some...)
			}
		})
	}
	writing.Go(func() {
		for range outages {
			b.stop()
			deliver(t, s, hubs[0], nicknames...)
			b.start(t)
			deliver(t, s, hubs[1], nicknames...)
		}
	})
	written := make(chan struct{})
	followers := make([]*follower, 4*len(nicknames))
	for i := range followers {
		f := &follower{nickname: nicknames[i%len(nicknames)], began: -1}
		if i%2 == 0 {
			f.began = 0
		}
		followers[i] = f
		reading.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(100+i)))
			for running := true; running; {
				select {
				case <-written:
					running = false
				default:
					short, end := context.WithTimeout(ctx, 300*time.Millisecond) // the writers may have ended
					if err := f.follow(short, clients[random.IntN(2)], 1+random.IntN(30), 0); err != nil && short.Err() == nil && connect.CodeOf(err) != connect.CodeDeadlineExceeded {
						t.Errorf("%s: %v", f.nickname, err)
						running = false
					}
					end()
				}
			}
			last, _, err := s.Last(ctx, f.nickname)
			if err == nil {
				err = f.follow(ctx, clients[random.IntN(2)], 1<<20, last)
			}
			if err != nil {
				t.Errorf("%s after %d: %v", f.nickname, f.position(), err)
			}
		})
	}
	writing.Wait()
	close(written)
	reading.Wait()
	for i, f := range followers {
		all := stored(t, s, f.nickname)
		want := all[slices.IndexFunc(append(all, 1<<62), func(id int64) bool { return id > f.began }):]
		if !slices.Equal(f.got, want) {
			t.Errorf("reader %d of %s began after %d and got %d items of %d: %v", i, f.nickname, f.began, len(f.got), len(want), f.got)
		}
	}
}
