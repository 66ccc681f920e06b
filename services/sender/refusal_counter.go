package sender

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// maxRefusedKeys is the maximum number of keys in a refusalCounter: those that were refused
// last.
const maxRefusedKeys = 4096

// A refusalCounter counts, by limiter key, the deliveries that failed without a call since
// the refusal was logged last. It is safe for concurrent use.
type refusalCounter struct {
	mu    sync.Mutex
	byKey *simplelru.LRU[string, int]
}

func newRefusalCounter() *refusalCounter {
	byKey, _ := simplelru.NewLRU[string, int](maxRefusedKeys, nil) // never fails for a size above 0
	return &refusalCounter{byKey: byKey}
}

// count counts a delivery of a key.
func (r *refusalCounter) count(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, _ := r.byKey.Get(key)
	r.byKey.Add(key, n+1)
}

// reset removes a key and returns its count.
func (r *refusalCounter) reset(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, _ := r.byKey.Get(key)
	r.byKey.Remove(key)
	return n
}
