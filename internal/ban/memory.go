package ban

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var _ Bans = (*Memory)(nil)

// Memory keeps the bans of one process. They end with it.
type Memory struct {
	now   func() time.Time
	count atomic.Int64 // of bans, so that Find takes no lock without any

	mu   sync.RWMutex
	bans map[netip.Prefix]Ban // expired ones too, until prune
}

// NewMemory returns no bans, with a clock.
func NewMemory(now func() time.Time) *Memory {
	return &Memory{now: now, bans: map[netip.Prefix]Ban{}}
}

// Find implements Bans.
func (m *Memory) Find(addr netip.Addr) (Ban, bool) {
	if m.count.Load() == 0 {
		return Ban{}, false
	}
	network := NetworkOf(addr)
	m.mu.RLock()
	b, ok := m.bans[network]
	m.mu.RUnlock()
	switch {
	case !ok:
		return Ban{}, false
	case !b.ExpireTime.After(m.now()):
		m.prune()
		return Ban{}, false
	}
	return b, true
}

// Add implements Bans.
func (m *Memory) Add(addr netip.Addr, duration time.Duration) (Ban, bool) {
	now := m.now()
	b := Ban{Address: NetworkOf(addr), CreateTime: now, ExpireTime: now.Add(min(duration, MaxDuration))}
	return b, b.Address.IsValid() && m.put(b)
}

// put adds a ban, and reports false if there are too many.
func (m *Memory) put(b Ban) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.bans[b.Address]; !ok && len(m.bans) >= maxBans {
		m.pruneLocked()
		if len(m.bans) >= maxBans {
			return false
		}
	}
	m.bans[b.Address] = b
	m.count.Store(int64(len(m.bans)))
	return true
}

// remove removes a ban, and reports whether there was one.
func (m *Memory) remove(network netip.Prefix) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.bans[network]
	delete(m.bans, network)
	m.count.Store(int64(len(m.bans)))
	return ok && b.ExpireTime.After(m.now())
}

// replace replaces all bans.
func (m *Memory) replace(bans map[netip.Prefix]Ban) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bans = bans
	m.count.Store(int64(len(m.bans)))
}

// prune removes the expired bans.
func (m *Memory) prune() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pruneLocked()
}

func (m *Memory) pruneLocked() {
	now := m.now()
	maps.DeleteFunc(m.bans, func(_ netip.Prefix, b Ban) bool { return !b.ExpireTime.After(now) })
	m.count.Store(int64(len(m.bans)))
}

// Len returns the number of bans that have not expired.
func (m *Memory) Len() int {
	m.prune()
	return int(m.count.Load())
}

// List implements Bans.
func (m *Memory) List(context.Context) ([]Ban, error) {
	m.prune()
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.SortedFunc(maps.Values(m.bans), func(a, b Ban) int {
		if order := b.CreateTime.Compare(a.CreateTime); order != 0 {
			return order
		}
		return a.Address.Addr().Compare(b.Address.Addr())
	}), nil
}

// Lift implements Bans.
func (m *Memory) Lift(_ context.Context, addr netip.Addr) error {
	if !m.remove(NetworkOf(addr)) {
		return errNotBanned(addr)
	}
	return nil
}
