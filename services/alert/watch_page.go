package alert

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/singleflight"
)

// A watchPageOf is a page of the deliveries of an alert, as they were in a round or
// later.
type watchPageOf struct {
	follower *follower
	after    int64
	round    int
	message  *watchNews
	last     int64 // the id of its last delivery
	end      bool  // no page follows
}

// A pageCache keeps the pages that were read last, so that watchers who begin together
// share them.
type pageCache struct {
	most    int
	flights singleflight.Group

	mu    sync.Mutex
	pages []*watchPageOf // the latest last
}

// find returns a page that is kept, of round since or later; nil where there is none.
func (c *pageCache) find(f *follower, after int64, since int) *watchPageOf {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pages {
		if p.follower == f && p.after == after && p.round >= since {
			return p
		}
	}
	return nil
}

// keep keeps a page in place of an older one of the same place, or of the oldest of all.
func (c *pageCache) keep(p *watchPageOf) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages = slices.DeleteFunc(c.pages, func(old *watchPageOf) bool { return old.follower == p.follower && old.after == p.after })
	if len(c.pages) == c.most {
		c.pages = slices.Delete(c.pages, 0, 1)
	}
	c.pages = append(c.pages, p)
}

// forget drops the pages of an alert that nobody watches any more.
func (c *pageCache) forget(f *follower) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages = slices.DeleteFunc(c.pages, func(p *watchPageOf) bool { return p.follower == f })
}

// page returns the page behind a delivery, of round since or later.
func (h *Hub) page(ctx context.Context, f *follower, after int64, since int) (*watchPageOf, error) {
	for {
		if p := h.pages.find(f, after, since); p != nil {
			return p, nil
		}
		// Who waits for another's read does so to its own end; the read itself to that of
		// the alert's last watcher.
		key := strconv.FormatUint(f.serial, 36) + "/" + strconv.FormatInt(after, 36)
		flight := h.pages.flights.DoChan(key, func() (any, error) { return h.fetchPage(f, after) })
		select {
		case res := <-flight:
			if res.Err != nil {
				return nil, res.Err
			}
			if p := res.Val.(*watchPageOf); p.round >= since { //nolint:forcetypeassert // nothing else is flown
				return p, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (h *Hub) fetchPage(f *follower, after int64) (*watchPageOf, error) {
	round, counts := f.standing()
	var ds []Delivery
	var more bool
	err := h.read(f.ctx, func() (err error) {
		ds, more, err = deliveriesPage(f.ctx, h.deliveries, DeliveryQuery{AlertID: f.id, After: after, Limit: watchPage})
		return err
	})
	if err != nil {
		return nil, err
	}
	p := &watchPageOf{
		follower: f, after: after, round: round, last: after, end: !more,
		message: newsToWire(ds, counts),
	}
	if n := len(ds); n > 0 {
		p.last = ds[n-1].ID
	}
	h.pages.keep(p)
	return p, nil
}
