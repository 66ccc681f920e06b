package store

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/services/directory"
)

// lookupCacheWeight is the capacity of the lookup cache: the number of targets, users and
// recipients in it, of some 300 bytes each.
const lookupCacheWeight = 50_000

// A resolvedUser is a user with their recipients.
type resolvedUser struct {
	id         int
	recipients []directory.Recipient // one for each address, in order
}

// A resolvedTarget is a resolved target.
type resolvedTarget struct {
	exists bool // a user or group has the name
	users  []resolvedUser
}

// recipients returns the number of recipients.
func (t *resolvedTarget) recipients() (n int) {
	for _, u := range t.users {
		n += len(u.recipients)
	}
	return n
}

// cacheWeight returns the share of lookupCacheWeight that the entry takes.
func (t *resolvedTarget) cacheWeight() int { return 1 + len(t.users) + t.recipients() }

// lookupCache is the lookup cache: an LRU of resolved targets at one revision of the
// directory. It is safe for concurrent use; its entries must not be modified.
type lookupCache struct {
	mu       sync.Mutex
	revision int64
	entries  *simplelru.LRU[target.Target, *resolvedTarget]
	weight   int
}

func newLookupCache() *lookupCache {
	c := &lookupCache{}
	c.entries, _ = simplelru.NewLRU(lookupCacheWeight, func(_ target.Target, t *resolvedTarget) { c.weight -= t.cacheWeight() }) // no error: the size is positive
	return c
}

// get returns the cached entries of targets at a revision, and the targets that are
// missing. A newer revision than that of the cache invalidates all entries.
func (c *lookupCache) get(revision int64, targets []target.Target) (resolved map[target.Target]*resolvedTarget, missing []target.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if revision > c.revision {
		c.entries.Purge()
		c.revision = revision
	}
	resolved = make(map[target.Target]*resolvedTarget, len(targets))
	for _, to := range targets {
		if _, ok := resolved[to]; ok {
			continue
		}
		var t *resolvedTarget
		if revision == c.revision {
			t, _ = c.entries.Get(to)
		}
		if resolved[to] = t; t == nil {
			missing = append(missing, to)
		}
	}
	return resolved, missing
}

// put caches resolved targets of a revision, unless the cache has a newer revision.
func (c *lookupCache) put(revision int64, resolved map[target.Target]*resolvedTarget, targets []target.Target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if revision != c.revision {
		return
	}
	for _, to := range targets {
		t := resolved[to]
		if weight := t.cacheWeight(); weight <= lookupCacheWeight && !c.entries.Contains(to) {
			c.entries.Add(to, t)
			c.weight += weight
		}
	}
	for c.weight > lookupCacheWeight {
		c.entries.RemoveOldest()
	}
}
