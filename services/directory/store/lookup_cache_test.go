package store

import (
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/services/directory"
)

func to(name string) target.Target { return target.Target{Kind: target.User, Name: name} }

// of returns a resolved target with n recipients.
func of(n int) *resolvedTarget {
	return &resolvedTarget{exists: true, users: []resolvedUser{{1, make([]directory.Recipient, n)}}}
}

// cacheTarget caches a resolved target at a revision.
func cacheTarget(c *lookupCache, revision int64, name string, t *resolvedTarget) {
	c.put(revision, map[target.Target]*resolvedTarget{to(name): t}, []target.Target{to(name)})
}

func isCached(c *lookupCache, revision int64, name string) bool {
	_, missing := c.get(revision, []target.Target{to(name)})
	return len(missing) == 0
}

func TestLookupCacheRevision(t *testing.T) {
	c := newLookupCache()
	if isCached(c, 1, "kim") {
		t.Error("cache hit before an entry was stored")
	}
	cacheTarget(c, 1, "kim", of(1))
	if !isCached(c, 1, "kim") {
		t.Error("cache miss for a stored entry")
	}
	if isCached(c, 2, "kim") {
		t.Error("cache hit at revision 2 for an entry of revision 1")
	}
	cacheTarget(c, 1, "kim", of(1)) // from a lookup that began before
	if isCached(c, 1, "kim") || isCached(c, 2, "kim") {
		t.Error("cache hit for an entry of an old revision")
	}
	if c.weight != 0 {
		t.Errorf("weight of an empty cache is %d", c.weight)
	}
}

func TestLookupCacheIsBounded(t *testing.T) {
	c := newLookupCache()
	cacheTarget(c, 0, "crowd", of(lookupCacheWeight))
	if isCached(c, 0, "crowd") || c.weight != 0 {
		t.Error("an entry above the capacity was cached")
	}
	for i := range 10 {
		cacheTarget(c, 0, fmt.Sprint(i), of(lookupCacheWeight/5))
	}
	if c.weight > lookupCacheWeight {
		t.Errorf("weight is %d, capacity %d", c.weight, lookupCacheWeight)
	}
	if isCached(c, 0, "0") || !isCached(c, 0, "9") {
		t.Error("the newest entry was evicted first")
	}
}
