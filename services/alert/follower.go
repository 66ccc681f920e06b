package alert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
)

const (
	// followGap is the least time between two looks at a followed alert: changes that
	// come close together share a look, and a message.
	followGap = 100 * time.Millisecond
	// followShare bounds the part of its time that a follower reads: one of so many, so
	// that a very large alert does not burden the ledger.
	followShare = 10
	// watchPage is how many deliveries a message of a watch holds at most.
	watchPage = 500
	// maxPublished is how many changes of one look are published: what is more goes out
	// as all deliveries again.
	maxPublished = maxPending * watchPage / 2
)

// errFollowed is the error of a follower whose alert has ended: a new one begins anew.
var errFollowed = errors.New("the alert has been followed to its end")

// A follower reads the changes of one alert for all who watch it. It keeps eight bytes
// for each delivery, and no delivery.
type follower struct {
	hub    *Hub
	id     int64
	serial uint64          // tells it from others of the same alert
	ctx    context.Context //nolint:containedctx // it ends with the last watcher, for whom pages are read too
	dirty  chan struct{}   // holds one where the alert may have changed
	ready  chan struct{}   // closed after the first look
	cancel context.CancelFunc
	gone   chan struct{} // closed when it has stopped

	fingerprint atomic.Uint64 // at the last poll
	joined      int           // watchers; guarded by hub.mu

	last atomic.Int64 // the greatest id of its deliveries

	versions []uint64      // of the deliveries, by id; of the goroutine
	spent    time.Duration // on the reads of a look; of the goroutine

	mu       sync.Mutex
	round    int // counts the looks that found changes, from 1
	counts   Counts
	watchers map[*watcher]struct{}
	over     error // errFollowed, or why it cannot go on; nil while it does
}

func newFollower(hub *Hub, id int64, serial uint64) *follower {
	return &follower{
		hub: hub, id: id, serial: serial, dirty: make(chan struct{}, 1), ready: make(chan struct{}), gone: make(chan struct{}),
		watchers: map[*watcher]struct{}{},
	}
}

// start follows until stop.
func (f *follower) start(ctx context.Context) {
	f.ctx, f.cancel = context.WithCancel(ctx)
	go func() {
		defer close(f.gone)
		f.follow(f.ctx)
	}()
}

// stop ends the goroutine, and waits for it.
func (f *follower) stop() {
	f.cancel()
	<-f.gone
}

// wake makes the follower look.
func (f *follower) wake() {
	select {
	case f.dirty <- struct{}{}:
	default:
	}
}

// wakeFor makes it look where a delivery is of its alert, as far as it knows.
func (f *follower) wakeFor(delivery int64) {
	if last := f.last.Load(); last == 0 || delivery <= last {
		f.wake()
	}
}

// ended reports whether nobody new can join.
func (f *follower) ended() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.over != nil
}

// follow looks when it is woken until the alert has ended or ctx does.
func (f *follower) follow(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for first := true; ; first = false {
		select {
		case <-pause.C:
		case <-ctx.Done(): // nobody watches any more
			return
		}
		start := time.Now()
		f.spent = 0
		err := f.look(ctx, first)
		if err != nil {
			f.end(err)
		}
		if first {
			close(f.ready)
		}
		if err != nil {
			return
		}
		select {
		case <-f.dirty:
			pause.Reset(max(0, max(followGap, followShare*f.spent)-time.Since(start)))
		case <-ctx.Done():
			return
		}
	}
}

// look reads what changed and sends it to the watchers. It returns errFollowed where all
// has ended.
func (f *follower) look(ctx context.Context, first bool) error {
	var versions []Version
	if err := f.read(ctx, func() (err error) {
		if first {
			if _, err = f.hub.deliveries.Deliveries(ctx, DeliveryQuery{AlertID: f.id, Limit: 1}); err != nil { // there may be no such alert
				return err
			}
		}
		versions, err = f.hub.deliveries.Versions(ctx, f.id)
		return err
	}); err != nil {
		return err
	}
	if !first && len(versions) != len(f.versions) {
		return fmt.Errorf("alert %d: %w", f.id, fault.ErrNotFound) // it was kept long enough
	}
	changed, counts := f.compare(versions)
	if n := len(versions); n > 0 {
		f.last.Store(versions[n-1].DeliveryID)
	}
	f.mu.Lock()
	f.counts = counts
	if first || len(changed) > 0 {
		f.round++
	}
	f.mu.Unlock()
	switch {
	case first:
	case len(changed) > maxPublished:
		f.restart()
	default:
		for some := range slices.Chunk(changed, watchPage) {
			if err := f.publish(ctx, some); err != nil {
				return err
			}
		}
	}
	if counts.Open() == 0 {
		return errFollowed
	}
	return nil
}

// read reads from the ledger, and counts the time that takes without the wait for it.
func (f *follower) read(ctx context.Context, do func() error) error {
	return f.hub.read(ctx, func() error {
		start := time.Now()
		defer func() { f.spent += time.Since(start) }()
		return do()
	})
}

// compare returns which deliveries are not as they were, and how all stand.
func (f *follower) compare(versions []Version) (changed []int64, counts Counts) {
	if f.versions == nil {
		f.versions = make([]uint64, len(versions))
	}
	for i, v := range versions {
		counts[v.State]++
		if f.versions[i] != v.Sum {
			f.versions[i] = v.Sum
			changed = append(changed, v.DeliveryID)
		}
	}
	return changed, counts
}

// publish sends deliveries to all watchers, in as many messages as that takes.
func (f *follower) publish(ctx context.Context, ids []int64) error {
	for after, more := int64(0), true; more; {
		var ds []Delivery
		if err := f.read(ctx, func() (err error) {
			ds, more, err = deliveriesPage(ctx, f.hub.deliveries, DeliveryQuery{AlertID: f.id, After: after, IDs: ids, Limit: watchPage})
			return err
		}); err != nil {
			return err
		}
		if len(ds) > 0 {
			after = ds[len(ds)-1].ID
		}
		f.send(ds)
	}
	return nil
}

// send sends deliveries to all watchers.
func (f *follower) send(ds []Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	news := newsToWire(ds, f.counts)
	for w := range f.watchers {
		w.push(news)
	}
}

// restart lets all watchers be sent all deliveries again, as so much has changed. They
// share the pages.
func (f *follower) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watchers {
		w.lag()
	}
}

// end lets the watchers end, after what they were sent.
func (f *follower) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over = err
	for w := range f.watchers {
		w.finish(err)
	}
}

// add returns a new watcher. Where the alert has ended it is one that ends after the
// deliveries as they are.
func (f *follower) add() (*watcher, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &watcher{follower: f, news: make(chan struct{}, 1), since: f.round}
	switch {
	case errors.Is(f.over, errFollowed) && f.round == 1: // it had ended at the first look
		w.finish(f.over)
	case f.over != nil:
		return nil, f.over
	}
	f.watchers[w] = struct{}{}
	return w, nil
}

// remove takes a watcher away.
func (f *follower) remove(w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.watchers, w)
}

// standing returns the round and how the deliveries stand.
func (f *follower) standing() (round int, counts Counts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.round, f.counts
}
