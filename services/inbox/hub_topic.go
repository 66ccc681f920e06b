package inbox

import (
	"slices"
	"sync"
)

// A topic is an inbox with readers in this process.
type topic struct {
	ready chan struct{} // closed when the subscription is in effect
	stop  func()        // ends the subscription

	mu      sync.Mutex
	last    int64 // the greatest position that the readers were notified of
	readers []*reader
}

// news is a new or changed item, as readers send it. It is shared by all readers of an inbox and
// must not be changed.
type news struct {
	id               int64         // of the item
	position, before int64         // as in StoredItem
	added, changed   *watchMessage // for readers without the item, and with it; changed is nil if it has not changed
}

// newsOf returns new and changed items for readers.
func newsOf(items []StoredItem) []news {
	all := make([]news, len(items))
	for i, item := range items {
		all[i] = newsOfItem(itemToWire(item.Item), item.ID, item.Position, item.Before)
	}
	return all
}

func (t *topic) add(r *reader) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readers = append(t.readers, r)
}

// remove removes a reader, and reports whether it was the last one.
func (t *topic) remove(r *reader) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.readers = slices.DeleteFunc(t.readers, func(other *reader) bool { return other == r })
	return len(t.readers) == 0
}

// push notifies the readers of new items.
func (t *topic) push(all []news) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range all {
		t.last = max(t.last, n.position)
	}
	for _, r := range t.readers {
		r.push(all)
	}
}

// announce makes the readers read the store if an inbox has a later item than they were notified
// of, all but one, which is known to have read it; nil for none.
func (t *topic) announce(last int64, but *reader) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if last <= t.last {
		return
	}
	t.last = last
	for _, r := range t.readers {
		if r != but {
			r.fallBehind()
		}
	}
}

// fallBehind makes the readers read the store.
func (t *topic) fallBehind() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.readers {
		r.fallBehind()
	}
}
