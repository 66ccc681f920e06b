package cache

// A flightKey identifies the loads that may share a result: those of one key under the same
// generations. A read that began after a change has another stamp than a load that began
// before it.
type flightKey struct {
	key   string
	stamp uint64
}

// A flight is a load that concurrent reads share.
type flight[V any] struct {
	done  chan struct{} // closed when the load has ended
	value V
	ok    bool // the load returned value
}

// join returns the flight of a key, and reports whether it is a new one, which the caller
// must lead.
func (c *Cache[V]) join(key flightKey) (f *flight[V], isFirst bool) {
	c.flightMu.Lock()
	defer c.flightMu.Unlock()
	if f, ok := c.flights[key]; ok {
		return f, false
	}
	f = &flight[V]{done: make(chan struct{})}
	c.flights[key] = f
	return f, true
}

// land ends a flight.
func (c *Cache[V]) land(key flightKey, f *flight[V]) {
	c.flightMu.Lock()
	delete(c.flights, key)
	c.flightMu.Unlock()
	close(f.done)
}
