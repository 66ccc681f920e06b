package alert

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// minRefreshGap is the minimum time between two refreshes of an alert: changes close
	// together share a refresh, and a message.
	minRefreshGap = 100 * time.Millisecond
	// refreshShare limits the share of time that a follower spends on reads to
	// 1/refreshShare, so that a very large alert does not overload the ledger.
	refreshShare = 10
	// watchPageSize is the maximum number of deliveries in a message of a watch.
	watchPageSize = 500
	// maxPublished is the maximum number of changes that one refresh publishes. If there
	// are more, all deliveries are sent again.
	maxPublished = maxPending * watchPageSize / 2
)

// errAlertCompleted is the error of a follower whose alert is completed: a new watch starts
// a new follower.
var errAlertCompleted = errors.New("alert is completed")

// A follower reads the changes of one alert for all of its watchers. It stores eight bytes
// for each delivery, and no delivery.
type follower struct {
	hub    *Hub
	id     int64
	serial uint64          // differs for each follower of the same alert
	ctx    context.Context //nolint:containedctx // ends with the last watcher; page reads use it too
	dirty  chan struct{}   // buffers one notification that the alert may have changed
	ready  chan struct{}   // closed after the first refresh
	cancel context.CancelFunc
	ended  chan struct{} // closed when the goroutine has ended

	checksum atomic.Uint64 // of the alert, at the last poll
	joined   int           // watchers; guarded by hub.mu

	last atomic.Int64 // the greatest id of its deliveries; 0 before the first refresh

	versions []uint64      // of the deliveries, by id; owned by the goroutine
	spent    time.Duration // on the reads of a refresh; owned by the goroutine

	mu       sync.Mutex
	round    int // counts the refreshes that found changes, from 1
	counts   Counts
	watchers map[*watcher]struct{}
	endErr   error // errAlertCompleted, or why it ended; nil while it runs
}

// newFollower returns a follower of an alert, which start starts.
func newFollower(hub *Hub, id int64, serial uint64) *follower {
	return &follower{
		hub: hub, id: id, serial: serial, dirty: make(chan struct{}, 1), ready: make(chan struct{}), ended: make(chan struct{}),
		watchers: map[*watcher]struct{}{},
	}
}

// start starts the goroutine, which runs until stop is called.
func (f *follower) start(ctx context.Context) {
	f.ctx, f.cancel = context.WithCancel(ctx)
	go func() {
		defer close(f.ended)
		f.follow(f.ctx)
	}()
}

// stop stops the goroutine and waits until it has ended.
func (f *follower) stop() {
	f.cancel()
	<-f.ended
}

// notify notifies the follower that its alert may have changed.
func (f *follower) notify() {
	select {
	case f.dirty <- struct{}{}:
	default:
	}
}

// notifyFor notifies the follower, unless the delivery is certainly of another alert.
func (f *follower) notifyFor(delivery int64) {
	if last := f.last.Load(); last == 0 || delivery <= last {
		f.notify()
	}
}

// hasEnded reports whether the follower accepts no new watcher.
func (f *follower) hasEnded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.endErr != nil
}

// follow refreshes after each notification, until the alert is completed or ctx ends.
func (f *follower) follow(ctx context.Context) {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for first := true; ; first = false {
		select {
		case <-pause.C:
		case <-ctx.Done(): // no watcher is left
			return
		}
		start := time.Now()
		f.spent = 0
		err := f.refresh(ctx, first)
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
			pause.Reset(max(0, max(minRefreshGap, refreshShare*f.spent)-time.Since(start)))
		case <-ctx.Done():
			return
		}
	}
}

// refresh reads the changes since the last refresh and sends them to the watchers. It returns
// errAlertCompleted if the alert is completed.
func (f *follower) refresh(ctx context.Context, first bool) error {
	var versions []DeliveryVersion
	if err := f.read(ctx, func() (err error) {
		if first {
			if _, err = f.hub.deliveries.Deliveries(ctx, DeliveryQuery{AlertID: f.id, Limit: 1}); err != nil { // the alert may not exist
				return err
			}
		}
		versions, err = f.hub.deliveries.Versions(ctx, f.id)
		return err
	}); err != nil {
		return err
	}
	if !first && len(versions) != len(f.versions) {
		return fault.WithResource(fault.NotFoundf("alert %d not found", f.id), "alert", f.id) // deleted by retention
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
		for some := range slices.Chunk(changed, watchPageSize) {
			if err := f.publish(ctx, some); err != nil {
				return err
			}
		}
	}
	if counts.Uncompleted() == 0 {
		return errAlertCompleted
	}
	return nil
}

// read reads from the ledger and adds the duration to spent, without the wait for a free
// reader.
func (f *follower) read(ctx context.Context, do func() error) error {
	return f.hub.read(ctx, func() error {
		start := time.Now()
		defer func() { f.spent += time.Since(start) }()
		return do()
	})
}

// compare returns the ids of the deliveries that changed, and the counts of all.
func (f *follower) compare(versions []DeliveryVersion) (changed []int64, counts Counts) {
	if f.versions == nil {
		f.versions = make([]uint64, len(versions))
	}
	for i, v := range versions {
		counts[v.State]++
		if f.versions[i] != v.Checksum {
			f.versions[i] = v.Checksum
			changed = append(changed, v.DeliveryID)
		}
	}
	return changed, counts
}

// publish sends deliveries to all watchers, in as many messages as needed.
func (f *follower) publish(ctx context.Context, ids []int64) error {
	for after, more := int64(0), true; more; {
		var ds []Delivery
		if err := f.read(ctx, func() (err error) {
			ds, more, err = deliveriesPage(ctx, f.hub.deliveries, DeliveryQuery{AlertID: f.id, After: after, IDs: ids, Limit: watchPageSize})
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

// send sends deliveries to all watchers in one message.
func (f *follower) send(ds []Delivery) {
	f.mu.Lock()
	defer f.mu.Unlock()
	message := watchMessageToWire(ds, f.counts)
	for w := range f.watchers {
		w.push(message)
	}
}

// restart sends all deliveries again to all watchers, because too many changed. The
// watchers share the pages.
func (f *follower) restart() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for w := range f.watchers {
		w.resend()
	}
}

// end ends the watchers after their pending messages.
func (f *follower) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.endErr = err
	for w := range f.watchers {
		w.finish(err)
	}
}

// add returns a new watcher. If the alert was completed at the first refresh, the watcher
// ends after all deliveries. If the follower has ended otherwise, add returns its error.
func (f *follower) add() (*watcher, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &watcher{follower: f, changed: make(chan struct{}, 1), since: f.round}
	switch {
	case errors.Is(f.endErr, errAlertCompleted) && f.round == 1: // completed at the first refresh
		w.finish(f.endErr)
	case f.endErr != nil:
		return nil, f.endErr
	}
	f.watchers[w] = struct{}{}
	return w, nil
}

// remove removes a watcher.
func (f *follower) remove(w *watcher) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.watchers, w)
}

// position returns the round and the counts.
func (f *follower) position() (round int, counts Counts) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.round, f.counts
}
