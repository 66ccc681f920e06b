package alert

import (
	"context"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

const (
	// watchLook is how often a watched alert is looked at.
	watchLook = 200 * time.Millisecond
	// watchShare bounds the part of its time that a watch spends looking: one of so
	// many, so that a watch of a very large alert does not burden the ledger.
	watchShare = 10
)

// WatchAlert answers with what changes until all has ended.
func (h *Handler) WatchAlert(ctx context.Context, req *alertv1.WatchAlertRequest, stream *connect.ServerStream[alertv1.WatchAlertResponse]) error {
	id, err := readAlertID(req.GetId())
	if err != nil {
		return err
	}
	seen := map[int64]glimpse{}
	for first := true; ; first = false {
		start := time.Now()
		a, ds, err := h.Book.Alert(ctx, id)
		if err != nil {
			return err
		}
		if news := changed(ds, seen); first || len(news) > 0 {
			if err := stream.Send(&alertv1.WatchAlertResponse{Deliveries: deliveriesToWire(news), DeliveryCounts: countsToWire(a.Counts)}); err != nil {
				return err
			}
		}
		if a.Counts.Open() == 0 {
			return nil
		}
		select {
		case <-time.After(max(watchLook, watchShare*time.Since(start))):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A glimpse is what of a delivery changes.
type glimpse struct {
	state    State
	attempts int
	next     time.Time
	receipt  time.Time
}

// changed gives those of ds that are not as they were seen, and sees them.
func changed(ds []Delivery, seen map[int64]glimpse) []Delivery {
	var news []Delivery
	for _, d := range ds {
		now := glimpse{d.State, len(d.Attempts), d.NextTime, d.Receipt.Time}
		if seen[d.ID] != now {
			seen[d.ID] = now
			news = append(news, d)
		}
	}
	return news
}
