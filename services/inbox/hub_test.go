package inbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
	"github.com/bongsu-project/bongsu/services/inbox/store"
)

// A readCounter counts the pages that readers read from a store.
type readCounter struct {
	*store.Store
	pages atomic.Int64
}

func (c *readCounter) After(ctx context.Context, nickname string, after int64, limit int) ([]inbox.Item, error) {
	c.pages.Add(1)
	return c.Store.After(ctx, nickname, after, limit)
}

// startHub runs a hub until the returned function is called, at the latest until the test ends.
func startHub(t testing.TB, items inbox.ItemReader, bus inbox.Bus) (hub *inbox.Hub, stop func()) {
	t.Helper()
	stopping := make(chan struct{})
	hub = inbox.NewHub(items, bus, stopping, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- hub.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		close(stopping)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	t.Cleanup(stop)
	return hub, stop
}

// A broker is a NATS server that can be away for a while.
type broker struct {
	port   int
	server *server.Server
}

// startBroker starts a broker until the test ends.
func startBroker(t testing.TB) *broker {
	t.Helper()
	b := &broker{port: server.RANDOM_PORT}
	b.start(t)
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *broker) start(t testing.TB) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: b.port, NoSigs: true, NoLog: true})
	kittest.NoError(t, err)
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	b.server = s
	_, port, _ := strings.Cut(s.Addr().String(), ":")
	b.port, err = strconv.Atoi(port)
	kittest.NoError(t, err)
}

func (b *broker) stop() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// bus returns a bus on a connection of its own.
func (b *broker) bus(t testing.TB) *queue.Topics {
	t.Helper()
	conn, err := nats.Connect(fmt.Sprintf("nats://127.0.0.1:%d", b.port), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0))
	kittest.NoError(t, err)
	t.Cleanup(conn.Close)
	return queue.NewTopics(conn, "inbox", slog.New(slog.DiscardHandler))
}

// nextDelivery is the id of the next delivery of the tests.
var nextDelivery atomic.Int64

// deliver stores an item for each nickname, by a service with a hub; nil loses the notification.
func deliver(t testing.TB, s inbox.Store, hub *inbox.Hub, nicknames ...string) {
	t.Helper()
	req := &inboxv1.StoreRequest{}
	for _, nickname := range nicknames {
		req.Deliveries = append(req.Deliveries, &inboxv1.InboxDelivery{
			DeliveryId: nextDelivery.Add(1), NickName: nickname, Item: &inboxv1.Item{AlertId: "1", Text: "disk full"},
		})
	}
	h := &inbox.DeliveryHandler{Items: s, Now: time.Now}
	if hub != nil {
		h.Notifier = hub
	}
	_, err := h.Store(t.Context(), req)
	kittest.NoError(t, err)
}

// join returns a reader that leaves when the test ends.
func join(t testing.TB, hub *inbox.Hub, nickname string, after int64) (inbox.Reader, *inboxv1.WatchResponse) {
	t.Helper()
	r, first, err := hub.Join(t.Context(), nickname, after)
	kittest.NoError(t, err)
	t.Cleanup(r.Leave)
	return r, first
}

// receive returns the ids of the next items.
func receive(t testing.TB, r inbox.Reader, n int) (ids []int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range n {
		message, err := r.Next(ctx)
		kittest.NoError(t, err)
		ids = append(ids, idOf(t, message))
	}
	return ids
}

func idOf(t testing.TB, message *inboxv1.WatchResponse) int64 {
	t.Helper()
	id, err := strconv.ParseInt(message.GetItem().GetId(), 10, 64)
	kittest.NoError(t, err)
	return id
}

// stored returns the ids of an inbox.
func stored(t testing.TB, s inbox.Store, nickname string) (ids []int64) {
	t.Helper()
	items, err := s.After(t.Context(), nickname, 0, 1<<20)
	kittest.NoError(t, err)
	for _, item := range items {
		ids = append(ids, item.ID)
	}
	return ids
}

// TestFirstMessage checks where a stream begins.
func TestFirstMessage(t *testing.T) {
	s := openStore(t)
	hub, _ := startHub(t, s, nil)
	deliver(t, s, hub, "kim", "kim", "kim")
	ids := stored(t, s, "kim")
	for _, c := range []struct {
		name     string
		nickname string
		after    int64
		position int64
		items    []int64
	}{
		{"new items only", "kim", -1, ids[2], nil},
		{"all items", "kim", 0, 0, ids},
		{"items after an id", "kim", ids[0], ids[0], ids[1:]},
		{"an id above the last", "kim", ids[2] + 100, ids[2], nil},
		{"an empty inbox", "lee", -1, 0, nil},
	} {
		r, first := join(t, hub, c.nickname, c.after)
		last, unread := strconv.FormatInt(ids[2], 10), int32(3)
		if c.nickname == "lee" {
			last, unread = "0", 0
		}
		if first.GetAfterId() != strconv.FormatInt(c.position, 10) || first.GetLastId() != last || first.GetUnreadCount() != unread || first.GetItem() != nil {
			t.Errorf("%s: first message %v", c.name, first)
		}
		kittest.Equal(t, receive(t, r, len(c.items)), c.items)
	}
	if readers, _ := hub.Counts(); readers != 5 {
		t.Errorf("%d readers", readers)
	}
}

// TestTwoHubs checks that readers of another process get new items from the notification, without
// a read of the store.
func TestTwoHubs(t *testing.T) {
	s, b := openStore(t), startBroker(t)
	reads := &readCounter{Store: s}
	here, _ := startHub(t, reads, b.bus(t))
	there, _ := startHub(t, reads, b.bus(t))
	near, _ := join(t, here, "kim", -1)
	far, _ := join(t, there, "kim", -1)
	other, _ := join(t, there, "lee", -1)
	for range 3 {
		deliver(t, s, here, "kim", "lee", "kim")
	}
	kittest.Equal(t, receive(t, near, 6), stored(t, s, "kim"))
	kittest.Equal(t, receive(t, far, 6), stored(t, s, "kim"))
	kittest.Equal(t, receive(t, other, 3), stored(t, s, "lee"))
	if n := reads.pages.Load(); n != 0 {
		t.Errorf("%d pages are read from the store", n)
	}
}

// TestLargeNotification checks that items which are too large for a notification are read from
// the store.
func TestLargeNotification(t *testing.T) {
	s, b := openStore(t), startBroker(t)
	here, _ := startHub(t, s, b.bus(t))
	there, _ := startHub(t, s, b.bus(t))
	far, _ := join(t, there, "kim", -1)
	item := inbox.Item{DeliveryID: nextDelivery.Add(1), Nickname: "kim", AlertID: "1", Text: strings.Repeat("x", 600<<10)}
	added, err := s.Add(t.Context(), []inbox.Item{item})
	kittest.NoError(t, err)
	here.Stored(added)
	kittest.Equal(t, receive(t, far, 1), stored(t, s, "kim"))
}

// TestLostNotifications checks that items are found whose notification was lost: at once with the
// next one, and by polling without one.
func TestLostNotifications(t *testing.T) {
	s := openStore(t)
	hub := inbox.NewHub(s, nil, nil, slog.New(slog.DiscardHandler)) // without its polling
	r, _ := join(t, hub, "kim", -1)
	deliver(t, s, nil, "kim", "kim")
	deliver(t, s, hub, "kim")
	ids := stored(t, s, "kim")
	kittest.Equal(t, receive(t, r, 3), ids)

	deliver(t, s, nil, "kim")
	hub.Poll(t.Context())
	ids = stored(t, s, "kim")
	kittest.Equal(t, receive(t, r, 1), ids[3:])
}

// TestRepeatedNotifications checks that a notification that comes again, or late, is no item.
func TestRepeatedNotifications(t *testing.T) {
	s := openStore(t)
	hub := inbox.NewHub(s, nil, nil, slog.New(slog.DiscardHandler))
	r, _ := join(t, hub, "kim", -1)
	var notifications [][]byte
	for range 3 {
		added, err := s.Add(t.Context(), []inbox.Item{{DeliveryID: nextDelivery.Add(1), Nickname: "kim", AlertID: "1", Text: "x"}})
		kittest.NoError(t, err)
		data, err := inbox.EncodeStored(added)
		kittest.NoError(t, err)
		notifications = append(notifications, data)
	}
	for _, i := range []int{0, 0, 2, 1, 2, 0} {
		hub.Receive("kim", notifications[i])
	}
	kittest.Equal(t, receive(t, r, 3), stored(t, s, "kim"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if message, err := r.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a fourth item %v, %v", message, err)
	}
}

// TestSlowReader checks that a reader that takes nothing is dropped, and gets all when it resumes.
func TestSlowReader(t *testing.T) {
	s := openStore(t)
	hub, _ := startHub(t, s, nil)
	slow, _ := join(t, hub, "kim", -1)
	quick, _ := join(t, hub, "kim", -1)
	deliver(t, s, hub, "kim")
	have := receive(t, slow, 1)
	receive(t, quick, 1)
	for range inbox.MaxPending + 1 {
		deliver(t, s, hub, "kim")
		receive(t, quick, 1)
	}
	_, err := slow.Next(t.Context())
	kittest.Error(t, err, fault.ErrExhausted, "too slow", "resume")
	if fault.ReasonOf(err) != "READER_TOO_SLOW" || fault.DelayOf(err) == 0 {
		t.Errorf("reason %q, delay %s", fault.ReasonOf(err), fault.DelayOf(err))
	}
	again, _ := join(t, hub, "kim", have[0])
	kittest.Equal(t, receive(t, again, inbox.MaxPending+1), stored(t, s, "kim")[1:])
	if _, dropped := hub.Counts(); dropped != 1 {
		t.Errorf("%d readers were dropped", dropped)
	}
}

// TestReaderBehind checks that a reader that has many items to read is not taken for a slow one.
func TestReaderBehind(t *testing.T) {
	s := openStore(t)
	hub, _ := startHub(t, s, nil)
	for range 3 * inbox.PageSize {
		deliver(t, s, hub, "kim")
	}
	r, _ := join(t, hub, "kim", 0)
	got := receive(t, r, 1)
	for range 2 * inbox.MaxPending {
		deliver(t, s, hub, "kim")
	}
	want := stored(t, s, "kim")
	kittest.Equal(t, append(got, receive(t, r, len(want)-1)...), want)
}

// TestStopping checks that readers end when the process stops, so that their clients resume
// elsewhere.
func TestStopping(t *testing.T) {
	s := openStore(t)
	hub, stop := startHub(t, s, nil)
	r, _ := join(t, hub, "kim", -1)
	stop()
	_, err := r.Next(t.Context())
	kittest.Error(t, err, fault.ErrUnavailable, "resume")
}

// TestNATSOutage checks that readers get everything that is stored while the NATS server is away,
// and what follows.
func TestNATSOutage(t *testing.T) {
	s, b := openStore(t), startBroker(t)
	here, _ := startHub(t, s, b.bus(t))
	there, _ := startHub(t, s, b.bus(t))
	far, _ := join(t, there, "kim", -1)
	deliver(t, s, here, "kim")
	receive(t, far, 1)
	b.stop()
	late, _ := join(t, there, "lee", -1) // it cannot subscribe
	for range 3 {
		deliver(t, s, here, "kim", "lee")
	}
	kittest.Equal(t, receive(t, far, 3), stored(t, s, "kim")[1:])
	kittest.Equal(t, receive(t, late, 3), stored(t, s, "lee"))
	b.start(t)
	for range 3 {
		deliver(t, s, here, "kim", "lee")
	}
	kittest.Equal(t, receive(t, far, 3), stored(t, s, "kim")[4:])
	kittest.Equal(t, receive(t, late, 3), stored(t, s, "lee")[3:])
}

// maxReaderBytes bounds the memory of a reader in the hub, without its call and its connection.
const maxReaderBytes = 2 << 10

// TestReaderMemory checks the memory of readers of different inboxes that wait.
func TestReaderMemory(t *testing.T) {
	const readers = 2000
	s := openStore(t)
	hub := inbox.NewHub(s, nil, nil, slog.New(slog.DiscardHandler))
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	all := make([]inbox.Reader, readers)
	before := heap()
	for i := range all {
		r, _, err := hub.Join(t.Context(), "user-"+strconv.Itoa(i), -1)
		kittest.NoError(t, err)
		all[i] = r
	}
	each := (int64(heap()) - int64(before)) / readers
	t.Logf("%d bytes for each reader", each)
	if each > maxReaderBytes {
		t.Errorf("a reader takes %d bytes, at most %d", each, maxReaderBytes)
	}
	for _, r := range all {
		r.Leave()
	}
	if n, _ := hub.Counts(); n != 0 {
		t.Errorf("%d readers after all have left", n)
	}
}
