package mypage

import (
	"cmp"
	"context"
	"slices"

	"connectrpc.com/connect"

	mypagev1 "github.com/bongsu-project/bongsu/gen/go/library/mypage/v1"
	"github.com/bongsu-project/bongsu/gen/go/library/mypage/v1/mypagev1connect"

	"github.com/bongsu-project/bongsu/kit/page"
)

// A Handler serves MyPageService.
type Handler struct{ View *View }

var _ mypagev1connect.MyPageServiceHandler = (*Handler)(nil)

// ListEntries implements MyPageServiceHandler.
func (h *Handler) ListEntries(ctx context.Context, req *mypagev1.ListEntriesRequest) (*mypagev1.ListEntriesResponse, error) {
	entries, next, err := page.Of(req, (*mypagev1.Entry).GetReservationId, func(after string, limit int) ([]*mypagev1.Entry, error) {
		all, err := h.View.List(ctx, req.GetCustomer())
		return newest(all, after, limit), err
	})
	if err != nil {
		return nil, err
	}
	return &mypagev1.ListEntriesResponse{Entries: entries, NextPageToken: next}, nil
}

// newest returns at most limit entries, the newest first: those before an id, all for an empty one.
// The ids of reservations are in the order of time.
func newest(all []*mypagev1.Entry, before string, limit int) []*mypagev1.Entry {
	all = slices.DeleteFunc(all, func(e *mypagev1.Entry) bool { return before != "" && e.GetReservationId() >= before })
	slices.SortFunc(all, func(a, b *mypagev1.Entry) int { return cmp.Compare(b.GetReservationId(), a.GetReservationId()) })
	return all[:min(len(all), limit)]
}

// WatchEntries implements MyPageServiceHandler.
func (h *Handler) WatchEntries(ctx context.Context, req *mypagev1.WatchEntriesRequest, stream *connect.ServerStream[mypagev1.WatchEntriesResponse]) error {
	return h.View.Watch(ctx, req.GetCustomer(), func(entry *mypagev1.Entry) error {
		return stream.Send(&mypagev1.WatchEntriesResponse{Entry: entry})
	})
}
