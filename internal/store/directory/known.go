package directory

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/services/group"
)

// knownWeight is the capacity of the lookup cache: the number of targets, users and
// recipients in it, of some 300 bytes each.
const knownWeight = 50_000

// A person is a user with their recipients.
type person struct {
	id         int
	recipients []group.Recipient // one for each address, in order
}

// A meaning is a resolved target.
type meaning struct {
	borne  bool // a user or group has the name
	people []person
}

// recipients returns the number of recipients.
func (m *meaning) recipients() (n int) {
	for _, p := range m.people {
		n += len(p.recipients)
	}
	return n
}

// weight returns the share of knownWeight that the entry takes.
func (m *meaning) weight() int { return 1 + len(m.people) + m.recipients() }

// known is the lookup cache: an LRU of resolved targets at one revision of the
// directory. It is safe for concurrent use; its entries must not be modified.
type known struct {
	mu       sync.Mutex
	revision int64
	meanings *simplelru.LRU[target.Target, *meaning]
	weight   int
}

func newKnown() *known {
	k := &known{}
	k.meanings, _ = simplelru.NewLRU(knownWeight, func(_ target.Target, m *meaning) { k.weight -= m.weight() }) // no error: the size is positive
	return k
}

// recall returns the cached entries of targets at a revision, and the targets that are
// missing. A newer revision than that of the cache invalidates all entries.
func (k *known) recall(revision int64, targets []target.Target) (meanings map[target.Target]*meaning, missing []target.Target) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if revision > k.revision {
		k.meanings.Purge()
		k.revision = revision
	}
	meanings = make(map[target.Target]*meaning, len(targets))
	for _, to := range targets {
		if _, is := meanings[to]; is {
			continue
		}
		var m *meaning
		if revision == k.revision {
			m, _ = k.meanings.Get(to)
		}
		if meanings[to] = m; m == nil {
			missing = append(missing, to)
		}
	}
	return meanings, missing
}

// note caches resolved targets of a revision, unless the cache has a newer revision.
func (k *known) note(revision int64, meanings map[target.Target]*meaning, targets []target.Target) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if revision != k.revision {
		return
	}
	for _, to := range targets {
		m := meanings[to]
		if weight := m.weight(); weight <= knownWeight && !k.meanings.Contains(to) {
			k.meanings.Add(to, m)
			k.weight += weight
		}
	}
	for k.weight > knownWeight {
		k.meanings.RemoveOldest()
	}
}
