package inbox_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"connectrpc.com/connect"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// notified collects the items that a service notifies of, and checks that each is stored.
type notified struct {
	t     *testing.T
	store inbox.Store
	items []inbox.StoredItem
}

func (n *notified) Stored(items []inbox.StoredItem) {
	for _, i := range items {
		got, err := n.store.After(n.t.Context(), i.Nickname, i.Before, 1)
		kittest.NoError(n.t, err)
		kittest.Equal(n.t, got, []inbox.Item{i.Item})
	}
	n.items = append(n.items, items...)
}

// TestNotifier checks that readers are notified of each new item once, after its commit.
func TestNotifier(t *testing.T) {
	_, h := handlers(t)
	n := &notified{t: t, store: h.Items}
	h.Notifier = n
	storeDeliveries(t, h, "kim", 1, 2)
	storeDeliveries(t, h, "kim", 1, 3)
	storeDeliveries(t, h, "kim", 1, 3)
	var got [][2]int64
	for _, i := range n.items {
		got = append(got, [2]int64{i.DeliveryID, i.Before})
	}
	kittest.Equal(t, got, [][2]int64{{1, 0}, {2, 1}, {3, 2}})
}

// TestDeliveryClient stores a message as the messenger inbox does.
func TestDeliveryClient(t *testing.T) {
	_, h := handlers(t)
	c := inbox.DeliveryClient{Service: h}
	m := messenger.Message{
		DeliveryID: 7, AlertID: 3, Nickname: "kim", Text: "[high] disk full", Severity: "high", Title: "db1", Link: "https://example.com/db1",
		Details: []messenger.Detail{{Name: "host", Value: "node1"}}, Time: now.Add(-time.Minute), AlertKey: "disk", Resolved: true, Incident: 2,
	}
	kittest.NoError(t, c.Store(t.Context(), m))
	kittest.NoError(t, c.Store(t.Context(), m))
	test := messenger.Message{DeliveryID: 8, Nickname: "kim", Text: "test", Severity: "low", Time: now}
	kittest.NoError(t, c.Store(t.Context(), test))
	got, err := h.Items.After(t.Context(), "kim", 0, 10)
	kittest.NoError(t, err)
	kittest.Equal(t, got, []inbox.Item{
		{
			ID: 1, Position: 1, DeliveryID: 7, Nickname: "kim", AlertID: "3", Severity: "high", Title: "db1", Text: "[high] disk full\n\nhost: node1",
			Link: "https://example.com/db1", Key: "disk", Resolved: true, CreateTime: now.Add(-time.Minute), StoreTime: now, UpdateTime: now, Incident: 2, Rank: job.High,
		},
		{ID: 2, Position: 2, DeliveryID: 8, Nickname: "kim", Severity: "low", Text: "test", CreateTime: now, StoreTime: now, UpdateTime: now, Rank: job.Low},
	})
}

// TestIncidentMessages sends the messages of an incident: they are one item, which is read after
// the first, and unread again by the third, which a person must notice.
func TestIncidentMessages(t *testing.T) {
	reads, h := handlers(t)
	c := inbox.DeliveryClient{Service: h}
	for i, m := range messengertest.IncidentMessages("", "") {
		m.Nickname = "kim"
		kittest.NoError(t, c.Store(t.Context(), m))
		kittest.NoError(t, c.Store(t.Context(), m))
		res, err := reads.List(t.Context(), &inboxv1.ListRequest{NickName: "kim"})
		kittest.NoError(t, err)
		kittest.Equal(t, len(res.GetItems()), 1)
		item := res.GetItems()[0]
		if item.GetId() != "1" || item.GetPosition() != strconv.Itoa(i+1) || item.GetText() != m.Text || item.GetIncident() != "3" || item.GetAckUrl() != m.AckURL ||
			item.GetResolved() != m.Resolved || item.GetAcknowledged() != m.Acknowledged || (item.GetReadTime() == nil) != (i != 1) {
			t.Errorf("after message %d: %v", i, item)
		}
		if i == 0 {
			_, err = reads.MarkRead(t.Context(), &inboxv1.MarkReadRequest{NickName: "kim", Id: "1"})
			kittest.NoError(t, err)
		}
	}
}

// TestDeliveryErrors checks which errors are permanent.
func TestDeliveryErrors(t *testing.T) {
	for code, permanent := range map[connect.Code]bool{
		connect.CodeInvalidArgument: true, connect.CodeUnavailable: false, connect.CodeInternal: false, connect.CodeDeadlineExceeded: false,
	} {
		err := inbox.DeliveryClient{Service: failing{connect.NewError(code, errors.New("no"))}}.Store(t.Context(), messenger.Message{})
		if err == nil || errors.Is(err, fault.ErrInvalid) != permanent {
			t.Errorf("%s: %v", code, err)
		}
	}
}
