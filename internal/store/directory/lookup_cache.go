package directory

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/services/group"
)

// lookupCacheWeight is the capacity of the lookup cache: the number of targets, users and
// recipients in it, of some 300 bytes each.
const lookupCacheWeight = 50_000

// A resolvedUser is a user with their recipients.
type resolvedUser struct {
	id         int
	recipients []group.Recipient // one for each address, in order
}

// A resolvedTarget is a resolved target.
type resolvedTarget struct {
	exists bool // a user or group has the name
	users  []resolvedUser
}

// recipients returns the number of recipients.
func (m *resolvedTarget) recipients() (n int) {
	for _, p := range m.users {
		n += len(p.recipients)
	}
	return n
}

// cacheWeight returns the share of lookupCacheWeight that the entry takes.
func (m *resolvedTarget) cacheWeight() int { return 1 + len(m.users) + m.recipients() }

// lookupCache is the lookup cache: an LRU of resolved targets at one revision of the
// directory. It is safe for concurrent use; its entries must not be modified.
type lookupCache struct {
	mu       sync.Mutex
	revision int64
	meanings *simplelru.LRU[target.Target, *resolvedTarget]
	weight   int
}

func newLookupCache() *lookupCache {
	k := &lookupCache{}
	k.meanings, _ = simplelru.NewLRU(lookupCacheWeight, func(_ target.Target, m *resolvedTarget) { k.weight -= m.cacheWeight() }) // no error: the size is positive
	return k
}

// get returns the cached entries of targets at a revision, and the targets that are
// missing. A newer revision than that of the cache invalidates all entries.
func (k *lookupCache) get(revision int64, targets []target.Target) (meanings map[target.Target]*resolvedTarget, missing []target.Target) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if revision > k.revision {
		k.meanings.Purge()
		k.revision = revision
	}
	meanings = make(map[target.Target]*resolvedTarget, len(targets))
	for _, to := range targets {
		if _, is := meanings[to]; is {
			continue
		}
		var m *resolvedTarget
		if revision == k.revision {
			m, _ = k.meanings.Get(to)
		}
		if meanings[to] = m; m == nil {
			missing = append(missing, to)
		}
	}
	return meanings, missing
}

// put caches resolved targets of a revision, unless the cache has a newer revision.
func (k *lookupCache) put(revision int64, meanings map[target.Target]*resolvedTarget, targets []target.Target) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if revision != k.revision {
		return
	}
	for _, to := range targets {
		m := meanings[to]
		if weight := m.cacheWeight(); weight <= lookupCacheWeight && !k.meanings.Contains(to) {
			k.meanings.Add(to, m)
			k.weight += weight
		}
	}
	for k.weight > lookupCacheWeight {
		k.meanings.RemoveOldest()
	}
}
