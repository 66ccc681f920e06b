package quiethours

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// cacheSize is the number of schedules in a Cache, of about a kilobyte each, without the time
// zones, which many share.
const cacheSize = 1000

// A Cache parses quiet hours and keeps the schedules that were used last. The zero value is ready
// for use. It is safe for concurrent use.
type Cache struct {
	mu        sync.Mutex
	schedules *simplelru.LRU[string, *Schedule] // by the encoded hours
}

// Schedule returns the schedule of h, as Parse does.
func (c *Cache) Schedule(h *Hours) (*Schedule, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.schedules == nil {
		c.schedules, _ = simplelru.NewLRU[string, *Schedule](cacheSize, nil) // no error: the size is positive
	}
	key := Encode(h)
	if s, ok := c.schedules.Get(key); ok {
		return s, nil
	}
	s, err := Parse(*h)
	if err != nil {
		return nil, err
	}
	c.schedules.Add(key, s)
	return s, nil
}
