package cache_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/kit/cache"
)

// tagNames are the tags of a schedule; each has a version in the store.
var tagNames = [2]string{"a", "b"}

// keys are what reads read: the versions of one or both tags.
var keys = [][]int{{0}, {1}, {0, 1}}

// A schedule runs reads and changes against a cache, one small step at a time.
type schedule struct {
	t        *testing.T
	rand     *rand.Rand
	cache    *cache.Cache[[2]int]
	store    [2]int // the versions
	answered [2]int // the versions of the last change that was answered
	pending  []pendingChange
	loads    []*pendingLoad
	reads    sync.WaitGroup

	mu       sync.Mutex
	outcomes map[cache.Outcome]int
}

// A pendingChange has been executed and not answered.
type pendingChange struct {
	tags        []int
	versions    [2]int
	isAnnounced bool
}

// A pendingLoad has begun, and has read the store if executed.
type pendingLoad struct {
	executed bool
	value    [2]int
	end      chan struct{}
}

func newSchedule(t *testing.T, seed uint64) *schedule {
	t.Helper()
	c, err := cache.New(cache.Options[[2]int]{MaxBytes: 1 << 20, Size: func([2]int) int { return 16 }})
	if err != nil {
		t.Fatal(err)
	}
	return &schedule{t: t, rand: rand.New(rand.NewPCG(seed, 0)), cache: c, outcomes: map[cache.Outcome]int{}}
}

// step makes a random step, and waits until all goroutines wait for the next one.
func (s *schedule) step() {
	switch s.rand.IntN(7) {
	case 0, 1, 2:
		s.beginRead()
	case 3:
		for _, l := range s.loads { // one that has not executed
			if !l.executed {
				l.executed, l.value = true, s.store
				break
			}
		}
	case 4:
		s.endLoad()
	case 5:
		s.beginChange()
	case 6:
		s.continueChange()
	}
	synctest.Wait()
}

func (s *schedule) beginRead() {
	key := keys[s.rand.IntN(len(keys))]
	floor := s.answered
	q := cache.Query[[2]int]{Key: string(rune('0' + len(key)*2 + key[0])), TTL: time.Minute}
	for _, tag := range key {
		q.Tags = append(q.Tags, s.cache.Tag(tagNames[tag]))
	}
	q.Load = func(context.Context) ([2]int, error) {
		l := &pendingLoad{end: make(chan struct{})}
		s.mu.Lock()
		s.loads = append(s.loads, l)
		s.mu.Unlock()
		<-l.end
		return l.value, nil
	}
	s.reads.Go(func() {
		got, err := s.cache.Get(context.Background(), q)
		if err != nil {
			s.t.Error(err)
		}
		for _, tag := range key {
			if got.Value[tag] < floor[tag] {
				s.t.Errorf("a read (%s) returned version %d of %s, and %d was answered before it began", got.Outcome, got.Value[tag], tagNames[tag], floor[tag])
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.outcomes[got.Outcome]++
	})
}

// endLoad ends a load that has executed.
func (s *schedule) endLoad() {
	for i, l := range s.loads {
		if l.executed && s.rand.IntN(2) == 0 {
			s.loads = append(s.loads[:i:i], s.loads[i+1:]...)
			close(l.end)
			return
		}
	}
}

// beginChange executes a change of one or both tags.
func (s *schedule) beginChange() {
	change := pendingChange{tags: keys[s.rand.IntN(len(keys))]}
	for _, tag := range change.tags {
		s.store[tag]++
	}
	change.versions = s.store
	s.pending = append(s.pending, change)
}

// continueChange invalidates after a change, and answers it in a later step.
func (s *schedule) continueChange() {
	if len(s.pending) == 0 {
		return
	}
	i := s.rand.IntN(len(s.pending))
	change := &s.pending[i]
	if !change.isAnnounced {
		var names []string
		for _, tag := range change.tags {
			names = append(names, tagNames[tag])
		}
		s.cache.Invalidate(0, names...)
		change.isAnnounced = true
		return
	}
	for _, tag := range change.tags {
		s.answered[tag] = max(s.answered[tag], change.versions[tag])
	}
	s.pending = append(s.pending[:i:i], s.pending[i+1:]...)
}

// finish ends all loads and reads.
func (s *schedule) finish() {
	for len(s.loads) > 0 {
		l := s.loads[0]
		s.loads = s.loads[1:]
		if !l.executed {
			l.value = s.store
		}
		close(l.end)
		synctest.Wait()
	}
	s.reads.Wait()
}
