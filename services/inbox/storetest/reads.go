package storetest

import (
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/inbox"
)

func testMarkRead(t *testing.T, s inbox.Store) {
	ctx := t.Context()
	add(t, s, delivery(1, "kim"), delivery(2, "kim"), delivery(3, "lee"))
	want := delivery(2, "kim")
	want.ID, want.Position, want.ReadTime = 2, 2, at(7)
	for _, when := range []int{7, 8} { // the first counts
		got, err := s.MarkRead(ctx, "kim", 2, at(when))
		kittest.NoError(t, err)
		kittest.Equal(t, got, want)
	}
	kittest.Equal(t, after(t, s, "kim", 1, 10), []inbox.Item{want})
	kittest.Equal(t, counts(t, s, "kim"), [2]int{2, 1})
	kittest.Equal(t, counts(t, s, "lee"), [2]int{1, 1})
	for nickname, id := range map[string]int64{"kim": 3, "lee": 2, "nobody": 1} {
		_, err := s.MarkRead(ctx, nickname, id, at(9))
		kittest.Error(t, err, fault.ErrNotFound, "item")
		_, err = s.Archive(ctx, nickname, id, at(9))
		kittest.Error(t, err, fault.ErrNotFound, "item")
	}
	kittest.Equal(t, counts(t, s, "lee"), [2]int{1, 1})
}

func testMarkAllRead(t *testing.T, s inbox.Store) {
	ctx := t.Context()
	add(t, s, deliveries("kim", 1, 5)...)
	add(t, s, delivery(6, "lee"))
	_, err := s.MarkRead(ctx, "kim", 2, at(7))
	kittest.NoError(t, err)
	for _, c := range []struct {
		upTo int64
		want int
	}{{3, 2}, {3, 0}, {0, 2}, {0, 0}, {1 << 62, 0}} {
		n, err := s.MarkAllRead(ctx, "kim", c.upTo, at(8+int(c.upTo%10)))
		kittest.NoError(t, err)
		kittest.Equal(t, n, c.want)
	}
	for i, when := range []int{11, 7, 11, 8, 8} {
		kittest.Equal(t, after(t, s, "kim", 0, 10)[i].ReadTime, at(when))
	}
	kittest.Equal(t, counts(t, s, "kim"), [2]int{5, 0})
	kittest.Equal(t, counts(t, s, "lee"), [2]int{1, 1})
	n, err := s.MarkAllRead(ctx, "nobody", 0, at(9))
	kittest.NoError(t, err)
	kittest.Equal(t, n, 0)
}

func testArchive(t *testing.T, s inbox.Store) {
	ctx := t.Context()
	add(t, s, delivery(1, "kim"), delivery(2, "kim"))
	_, err := s.MarkRead(ctx, "kim", 1, at(7))
	kittest.NoError(t, err)
	for id, read := range map[int64]int{1: 7, 2: 8} {
		want := delivery(id, "kim")
		want.ID, want.Position, want.ReadTime, want.Archived = id, id, at(read), true
		for _, when := range []int{8, 9} {
			got, err := s.Archive(ctx, "kim", id, at(when))
			kittest.NoError(t, err)
			kittest.Equal(t, got, want)
		}
		got, err := s.MarkRead(ctx, "kim", id, at(9)) // stays archived
		kittest.NoError(t, err)
		kittest.Equal(t, got, want)
	}
	kittest.Equal(t, counts(t, s, "kim"), [2]int{2, 0})
}

// testReports checks that a read is reported until it is noted, the oldest first.
func testReports(t *testing.T, s inbox.Store) {
	ctx := t.Context()
	add(t, s, deliveries("kim", 1, 4)...)
	unreported := func(limit int) []inbox.Read {
		t.Helper()
		reads, err := s.UnreportedReads(ctx, limit)
		kittest.NoError(t, err)
		return reads
	}
	kittest.Equal(t, len(unreported(10)), 0)
	kittest.NoError(t, s.SetReported(ctx, []int64{1, 99})) // neither is read
	kittest.NoError(t, s.SetReported(ctx, nil))
	_, err := s.MarkRead(ctx, "kim", 3, at(7))
	kittest.NoError(t, err)
	_, err = s.Archive(ctx, "kim", 1, at(8))
	kittest.NoError(t, err)
	_, err = s.MarkAllRead(ctx, "kim", 2, at(9))
	kittest.NoError(t, err)
	want := []inbox.Read{{DeliveryID: 3, Time: at(7)}, {DeliveryID: 1, Time: at(8)}, {DeliveryID: 2, Time: at(9)}}
	kittest.Equal(t, unreported(10), want)
	kittest.Equal(t, unreported(2), want[:2])
	kittest.NoError(t, s.SetReported(ctx, []int64{1, 3, 4}))
	kittest.Equal(t, unreported(10), want[2:])
	_, err = s.MarkRead(ctx, "kim", 1, at(10)) // is no new read
	kittest.NoError(t, err)
	kittest.Equal(t, unreported(10), want[2:])
	kittest.NoError(t, s.SetReported(ctx, []int64{2}))
	kittest.Equal(t, len(unreported(10)), 0)
}
