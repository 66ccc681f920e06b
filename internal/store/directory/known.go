package directory

import (
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/services/group"
)

// knownWeight bounds what is known: so many recipients and targets in all, of some
// 300 bytes each.
const knownWeight = 50_000

// A person is a user behind a target.
type person struct {
	id         int
	recipients []group.Recipient // one for each address, in order
}

// A meaning is who is behind a target.
type meaning struct {
	borne  bool // by a user or a group
	people []person
}

// recipients is how many there are.
func (m *meaning) recipients() (n int) {
	for _, p := range m.people {
		n += len(p.recipients)
	}
	return n
}

// weight is how much of knownWeight it takes.
func (m *meaning) weight() int { return 1 + len(m.people) + m.recipients() }

// known is what targets meant at a revision of the directory. It is safe for
// concurrent use; meanings must not be changed.
type known struct {
	mu       sync.Mutex
	revision int64
	meanings *simplelru.LRU[target.Target, *meaning]
	weight   int
}

func newKnown() *known {
	k := &known{}
	k.meanings, _ = simplelru.NewLRU(knownWeight, func(_ target.Target, m *meaning) { k.weight -= m.weight() }) // its size is above 0
	return k
}

// recall gives what targets mean at a revision, as far as it is known. What was known
// of an older one is forgotten.
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

// note keeps what targets mean at a revision, unless a later one is known.
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
