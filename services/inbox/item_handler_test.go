package inbox_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	inboxv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/inbox/v1"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

// listed returns the ids of a page of kim's inbox, and the token of the next one.
func listed(t testing.TB, h *inbox.Handler, req *inboxv1.ListRequest) (ids, next string) {
	t.Helper()
	req.NickName = "kim"
	res, err := h.List(t.Context(), req)
	kittest.NoError(t, err)
	for _, i := range res.GetItems() {
		ids += i.GetId() + " "
	}
	return strings.TrimSpace(ids), res.GetNextPageToken()
}

func unread(t testing.TB, h *inbox.Handler, nickname string) int {
	t.Helper()
	res, err := h.CountUnread(t.Context(), &inboxv1.CountUnreadRequest{NickName: nickname})
	kittest.NoError(t, err)
	return int(res.GetCount())
}

// TestItems reads, marks and archives items.
func TestItems(t *testing.T) {
	h, deliveries := handlers(t)
	storeDeliveries(t, deliveries, "kim", 1, 4)
	storeDeliveries(t, deliveries, "lee", 5, 5)
	storeDeliveries(t, deliveries, "kim", 1, 4) // a sender repeats what it does not know to be stored
	ids, _ := listed(t, h, &inboxv1.ListRequest{})
	kittest.Equal(t, ids, "4 3 2 1")
	kittest.Equal(t, unread(t, h, "kim"), 4)

	read, err := h.MarkRead(t.Context(), &inboxv1.MarkReadRequest{NickName: "kim", Id: "3"})
	kittest.NoError(t, err)
	want := &inboxv1.Item{
		Id: "3", AlertId: "103", Severity: "high", Title: "Order", Text: "[high] shipped", Link: "https://shop.example/7", Key: "order", Resolved: true, UpdateTime: timestamppb.New(now), Position: "3",
		CreateTime: timestamppb.New(now.Add(-time.Second)), StoreTime: timestamppb.New(now), ReadTime: timestamppb.New(now),
	}
	if !proto.Equal(read.GetItem(), want) {
		t.Errorf("item is %v, want %v", read.GetItem(), want)
	}
	archived, err := h.Archive(t.Context(), &inboxv1.ArchiveRequest{NickName: "kim", Id: "1"})
	kittest.NoError(t, err)
	kittest.Equal(t, archived.GetItem().GetArchived(), true)
	kittest.Equal(t, unread(t, h, "kim"), 2)
	for want, req := range map[string]*inboxv1.ListRequest{"4 3 2": {}, "4 2": {UnreadOnly: true}, "1": {Archived: true}, "": {Archived: true, UnreadOnly: true}} {
		got, next := listed(t, h, req)
		kittest.Equal(t, got, want)
		kittest.Equal(t, next, "")
	}
	some, err := h.MarkAllRead(t.Context(), &inboxv1.MarkAllReadRequest{NickName: "kim", UpToId: "3"})
	kittest.NoError(t, err)
	all, err := h.MarkAllRead(t.Context(), &inboxv1.MarkAllReadRequest{NickName: "kim"})
	kittest.NoError(t, err)
	kittest.Equal(t, [2]int32{some.GetCount(), all.GetCount()}, [2]int32{1, 1})
	kittest.Equal(t, unread(t, h, "kim"), 0)
	kittest.Equal(t, unread(t, h, "lee"), 1)
}

func TestPages(t *testing.T) {
	h, deliveries := handlers(t)
	storeDeliveries(t, deliveries, "kim", 1, 60)
	ids, next := listed(t, h, &inboxv1.ListRequest{})
	kittest.Equal(t, [3]string{fmt.Sprint(len(strings.Fields(ids))), strings.Fields(ids)[49], next}, [3]string{"50", "11", "11"})
	ids, next = listed(t, h, &inboxv1.ListRequest{PageSize: 7, PageToken: next})
	kittest.Equal(t, [2]string{ids, next}, [2]string{"10 9 8 7 6 5 4", "4"})
	ids, next = listed(t, h, &inboxv1.ListRequest{PageSize: 3, PageToken: next})
	kittest.Equal(t, [2]string{ids, next}, [2]string{"3 2 1", ""})
}

// TestNicknames checks that two forms of a nickname in Unicode are one inbox, and that a request
// without a nickname is invalid.
func TestNicknames(t *testing.T) {
	h, deliveries := handlers(t)
	storeDeliveries(t, deliveries, "jos\u00e9", 1, 1)
	kittest.Equal(t, unread(t, h, "jose\u0301"), 1)
	kittest.Equal(t, unread(t, h, "jose"), 0)
	for name, call := range map[string]func(context.Context) error{
		"list": func(ctx context.Context) error { return kittest.ErrorOf(h.List(ctx, &inboxv1.ListRequest{})) },
		"count": func(ctx context.Context) error {
			return kittest.ErrorOf(h.CountUnread(ctx, &inboxv1.CountUnreadRequest{}))
		},
		"read": func(ctx context.Context) error {
			return kittest.ErrorOf(h.MarkRead(ctx, &inboxv1.MarkReadRequest{Id: "1"}))
		},
		"all": func(ctx context.Context) error {
			return kittest.ErrorOf(h.MarkAllRead(ctx, &inboxv1.MarkAllReadRequest{}))
		},
		"archive": func(ctx context.Context) error {
			return kittest.ErrorOf(h.Archive(ctx, &inboxv1.ArchiveRequest{Id: "1"}))
		},
	} {
		t.Run(name, func(t *testing.T) { kittest.Error(t, call(t.Context()), fault.ErrInvalid, "nick_name") })
	}
}

func TestInvalidIDs(t *testing.T) {
	h, deliveries := handlers(t)
	storeDeliveries(t, deliveries, "kim", 1, 1)
	const large = "9999999999999999999"
	ctx := t.Context()
	kittest.Error(t, kittest.ErrorOf(h.MarkRead(ctx, &inboxv1.MarkReadRequest{NickName: "kim", Id: large})), fault.ErrInvalid, "id")
	kittest.Error(t, kittest.ErrorOf(h.Archive(ctx, &inboxv1.ArchiveRequest{NickName: "kim", Id: large})), fault.ErrInvalid, "id")
	kittest.Error(t, kittest.ErrorOf(h.MarkAllRead(ctx, &inboxv1.MarkAllReadRequest{NickName: "kim", UpToId: large})), fault.ErrInvalid, "up_to_id")
	kittest.Error(t, kittest.ErrorOf(h.MarkRead(ctx, &inboxv1.MarkReadRequest{NickName: "lee", Id: "1"})), fault.ErrNotFound, "item 1")
	for _, token := range []string{large, "x", "-1", "0", "1.5"} {
		kittest.Error(t, kittest.ErrorOf(h.List(ctx, &inboxv1.ListRequest{NickName: "kim", PageToken: token})), fault.ErrInvalid, "page_token")
	}
	kittest.Equal(t, unread(t, h, "kim"), 1)
}
