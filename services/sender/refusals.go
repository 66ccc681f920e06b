package sender

import "sync"

// refusals counts, by key, the deliveries that ended without a call since the
// operator was told last.
type refusals struct {
	mu    sync.Mutex
	byKey map[string]int
}

func (r *refusals) count(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byKey[key]++
}

func (r *refusals) reset(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.byKey[key]
	delete(r.byKey, key)
	return n
}
