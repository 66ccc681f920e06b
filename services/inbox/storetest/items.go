package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

func testAfter(t *testing.T, s inbox.Store) {
	add(t, s, deliveries("kim", 1, 5)...)
	add(t, s, delivery(6, "lee"))
	_, err := s.Archive(t.Context(), "kim", 4, at(9))
	kittest.NoError(t, err)
	for _, c := range []struct {
		after int64
		limit int
		want  []int64
	}{{0, 10, []int64{1, 2, 3, 4, 5}}, {0, 2, []int64{1, 2}}, {2, 10, []int64{3, 4, 5}}, {3, 1, []int64{4}}, {5, 10, []int64{}}, {1 << 60, 10, []int64{}}} {
		kittest.Equal(t, deliveryIDs(after(t, s, "kim", c.after, c.limit)), c.want)
	}
}

func testPage(t *testing.T, s inbox.Store) {
	ctx := t.Context()
	add(t, s, deliveries("kim", 1, 6)...)
	add(t, s, delivery(7, "lee"))
	for _, id := range []int64{2, 5} {
		_, err := s.MarkRead(ctx, "kim", id, at(9))
		kittest.NoError(t, err)
	}
	for _, id := range []int64{1, 3} {
		_, err := s.Archive(ctx, "kim", id, at(9))
		kittest.NoError(t, err)
	}
	for _, c := range []struct {
		name string
		q    inbox.Query
		want []int64
	}{
		{"all", inbox.Query{Limit: 10}, []int64{6, 5, 4, 2}},
		{"first page", inbox.Query{Limit: 3}, []int64{6, 5, 4}},
		{"next page", inbox.Query{Limit: 3, Before: 4}, []int64{2}},
		{"unread", inbox.Query{Limit: 10, UnreadOnly: true}, []int64{6, 4}},
		{"next unread", inbox.Query{Limit: 1, UnreadOnly: true, Before: 6}, []int64{4}},
		{"archived", inbox.Query{Limit: 10, Archived: true}, []int64{3, 1}},
		{"next archived", inbox.Query{Limit: 10, Archived: true, Before: 3}, []int64{1}},
		{"unread and archived", inbox.Query{Limit: 10, Archived: true, UnreadOnly: true}, []int64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.q.Nickname = "kim"
			got, err := s.Page(ctx, c.q)
			kittest.NoError(t, err)
			kittest.Equal(t, deliveryIDs(got), c.want)
		})
	}
	_, err := s.Page(ctx, inbox.Query{Nickname: "kim"})
	kittest.Error(t, err, fault.ErrInvalid, "limit")
}

// testDelete checks that the oldest items are deleted, and that their ids are not used again.
func testDelete(t *testing.T, s inbox.Store) {
	add(t, s, deliveries("kim", 1, 4)...)
	for _, c := range []struct{ before, limit, want int }{{1, 10, 0}, {4, 2, 2}, {4, 2, 1}, {4, 2, 0}, {5, 10, 1}} {
		n, err := s.DeleteItems(t.Context(), at(c.before), c.limit)
		kittest.NoError(t, err)
		kittest.Equal(t, n, c.want)
	}
	kittest.Equal(t, len(after(t, s, "kim", 0, 10)), 0)
	kittest.Equal(t, counts(t, s, "kim"), [2]int{4, 0})
	stored := add(t, s, delivery(5, "kim"))
	kittest.Equal(t, [2]int64{stored[0].ID, stored[0].Before}, [2]int64{5, 4})
}
