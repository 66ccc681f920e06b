package alert

import (
	"context"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/sync/singleflight"
)

// A watchPage is a page of the deliveries of an alert, as of its round or later.
type watchPage struct {
	follower *follower
	after    int64
	round    int
	message  *watchMessage
	last     int64 // id of its last delivery
	end      bool  // no page follows
}

// A pageCache holds the pages that were read last, so that watchers that begin at the same
// time share them.
type pageCache struct {
	size    int                // maximum number of pages
	flights singleflight.Group // the reads in progress

	mu    sync.Mutex
	pages []*watchPage // the newest last
}

// find returns a cached page of round since or later; nil if there is none.
func (c *pageCache) find(f *follower, after int64, since int) *watchPage {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.pages {
		if p.follower == f && p.after == after && p.round >= since {
			return p
		}
	}
	return nil
}

// add caches a page in place of an older one at the same position, or of the oldest of all.
func (c *pageCache) add(p *watchPage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages = slices.DeleteFunc(c.pages, func(old *watchPage) bool { return old.follower == p.follower && old.after == p.after })
	if len(c.pages) == c.size {
		c.pages = slices.Delete(c.pages, 0, 1)
	}
	c.pages = append(c.pages, p)
}

// drop drops the pages of an alert without watchers.
func (c *pageCache) drop(f *follower) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pages = slices.DeleteFunc(c.pages, func(p *watchPage) bool { return p.follower == f })
}

// page returns the page after a delivery, of round since or later.
func (h *Hub) page(ctx context.Context, f *follower, after int64, since int) (*watchPage, error) {
	for {
		if p := h.pages.find(f, after, since); p != nil {
			return p, nil
		}
		// A caller waits for a shared read until its own ctx ends; the read continues
		// until the last watcher of the alert has left.
		key := strconv.FormatUint(f.serial, 36) + "/" + strconv.FormatInt(after, 36)
		flight := h.pages.flights.DoChan(key, func() (any, error) { return h.fetchPage(f, after) })
		select {
		case res := <-flight:
			if res.Err != nil {
				return nil, res.Err
			}
			if p := res.Val.(*watchPage); p.round >= since { //nolint:forcetypeassert // fetchPage returns this type
				return p, nil
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// fetchPage reads a page from the ledger and caches it.
func (h *Hub) fetchPage(f *follower, after int64) (*watchPage, error) {
	round, counts := f.position()
	var ds []Delivery
	var more bool
	err := h.read(f.ctx, func() (err error) {
		ds, more, err = deliveriesPage(f.ctx, h.deliveries, DeliveryQuery{AlertID: f.id, After: after, Limit: watchPageSize})
		return err
	})
	if err != nil {
		return nil, err
	}
	p := &watchPage{
		follower: f, after: after, round: round, last: after, end: !more,
		message: watchMessageToWire(ds, counts),
	}
	if n := len(ds); n > 0 {
		p.last = ds[n-1].ID
	}
	h.pages.add(p)
	return p, nil
}
