// Package bantest is the suite of promises that every implementation of ban.Bans keeps.
package bantest

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/ban"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// A Clock is a clock that a test sets. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock at a fixed time.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var (
	client  = netip.MustParseAddr("203.0.113.9")
	other   = netip.MustParseAddr("203.0.113.10")
	client6 = netip.MustParseAddr("2001:db8:0:1::7")
)

// Run runs the suite. open returns Bans that share their bans, or the same ones twice; wait
// returns once condition is true.
func Run(t *testing.T, open func(t *testing.T, now func() time.Time) (here, there ban.Bans), wait func(t *testing.T, condition func() bool)) {
	for name, test := range map[string]func(s suite, t *testing.T){
		"a ban holds here at once and elsewhere soon": suite.holds,
		"a ban expires":                          suite.expires,
		"an IPv6 address stands for its network": suite.network,
		"a second ban replaces the first":        suite.again,
		"bans are listed latest first":           suite.list,
		"a lifted ban ends everywhere":           suite.lift,
		"an address that is not banned":          suite.notBanned,
		"an invalid address":                     suite.invalid,
		"a ban lasts a day at most":              suite.longest,
	} {
		t.Run(name, func(t *testing.T) {
			clock := NewClock()
			here, there := open(t, clock.Now)
			test(suite{here: here, there: there, clock: clock, wait: func(condition func() bool) { t.Helper(); wait(t, condition) }}, t)
		})
	}
}

type suite struct {
	here, there ban.Bans
	clock       *Clock
	wait        func(condition func() bool)
}

func (s suite) isBanned(b ban.Bans, addr netip.Addr) func() bool {
	return func() bool { _, banned := b.Find(addr); return banned }
}

// ban bans an address, and waits until every edge knows the ban.
func (s suite) ban(t *testing.T, addr netip.Addr, d time.Duration) ban.Ban {
	t.Helper()
	b, ok := s.here.Add(addr, d)
	if !ok || !s.isBanned(s.here, addr)() {
		t.Fatalf("%s is not banned", addr)
	}
	s.wait(func() bool { found, _ := s.there.Find(addr); return found.ExpireTime.Equal(b.ExpireTime) })
	return b
}

func (s suite) holds(t *testing.T) {
	b := s.ban(t, client, 10*time.Minute)
	if want := s.clock.Now(); b.Address.String() != "203.0.113.9/32" || !b.CreateTime.Equal(want) || !b.ExpireTime.Equal(want.Add(10*time.Minute)) {
		t.Errorf("ban is %+v", b)
	}
	found, _ := s.there.Find(netip.MustParseAddr("::ffff:203.0.113.9"))
	if found.Address != b.Address || !found.CreateTime.Equal(b.CreateTime) {
		t.Errorf("the ban elsewhere is %+v, want %+v", found, b)
	}
	if s.isBanned(s.here, other)() || s.isBanned(s.there, other)() {
		t.Error("another address is banned too")
	}
}

func (s suite) expires(t *testing.T) {
	s.ban(t, client, time.Minute)
	s.clock.Advance(time.Minute - time.Millisecond)
	if !s.isBanned(s.here, client)() || !s.isBanned(s.there, client)() {
		t.Error("the ban ends early")
	}
	s.clock.Advance(time.Millisecond)
	if s.isBanned(s.here, client)() || s.isBanned(s.there, client)() {
		t.Error("the ban does not end")
	}
	kittest.Equal(t, s.listed(t, s.there), []string{})
	kittest.Error(t, s.here.Lift(t.Context(), client), fault.ErrNotFound)
}

func (s suite) network(t *testing.T) {
	b := s.ban(t, client6, time.Minute)
	kittest.Equal(t, b.Address.String(), "2001:db8:0:1::/64")
	for addr, banned := range map[string]bool{"2001:db8:0:1::8": true, "2001:db8:0:1:ffff::1%eth0": true, "2001:db8:0:2::7": false} {
		if s.isBanned(s.there, netip.MustParseAddr(addr))() != banned {
			t.Errorf("%s: banned is %t", addr, !banned)
		}
	}
	kittest.NoError(t, s.there.Lift(t.Context(), netip.MustParseAddr("2001:db8:0:1::9")))
	s.wait(func() bool { return !s.isBanned(s.here, client6)() })
}

func (s suite) again(t *testing.T) {
	s.ban(t, client, time.Minute)
	s.clock.Advance(30 * time.Second)
	s.ban(t, client, time.Minute)
	s.clock.Advance(45 * time.Second)
	if !s.isBanned(s.here, client)() || !s.isBanned(s.there, client)() {
		t.Error("the second ban does not hold")
	}
	kittest.Equal(t, s.listed(t, s.there), []string{"203.0.113.9"})
}

func (s suite) list(t *testing.T) {
	kittest.Equal(t, s.listed(t, s.here), []string{})
	s.ban(t, client, time.Hour)
	s.clock.Advance(time.Second)
	s.ban(t, client6, time.Minute)
	s.clock.Advance(time.Second)
	s.ban(t, other, time.Hour)
	for _, b := range []ban.Bans{s.here, s.there} {
		kittest.Equal(t, s.listed(t, b), []string{"203.0.113.10", "2001:db8:0:1::/64", "203.0.113.9"})
	}
	s.clock.Advance(time.Minute)
	kittest.Equal(t, s.listed(t, s.there), []string{"203.0.113.10", "203.0.113.9"})
}

func (s suite) listed(t *testing.T, b ban.Bans) []string {
	t.Helper()
	bans, err := b.List(t.Context())
	kittest.NoError(t, err)
	texts := []string{}
	for _, b := range bans {
		texts = append(texts, b.Text())
	}
	return texts
}

func (s suite) lift(t *testing.T) {
	s.ban(t, client, time.Hour)
	s.ban(t, other, time.Hour)
	kittest.NoError(t, s.there.Lift(t.Context(), client))
	if s.isBanned(s.there, client)() {
		t.Error("the ban holds where it was lifted")
	}
	s.wait(func() bool { return !s.isBanned(s.here, client)() })
	kittest.Equal(t, s.listed(t, s.here), []string{"203.0.113.10"})
	kittest.Error(t, s.here.Lift(t.Context(), client), fault.ErrNotFound, "203.0.113.9")

	// A ban that is lifted at once stays lifted, and may follow again.
	for range 20 {
		s.here.Add(client, time.Hour)
		kittest.NoError(t, s.here.Lift(t.Context(), client))
		if s.isBanned(s.here, client)() {
			t.Fatal("the ban holds after it was lifted")
		}
	}
	s.ban(t, client, 2*time.Hour)
}

func (s suite) notBanned(t *testing.T) {
	kittest.Error(t, s.here.Lift(t.Context(), client), fault.ErrNotFound, "203.0.113.9")
	kittest.Error(t, s.here.Lift(t.Context(), client6), fault.ErrNotFound)
	if s.isBanned(s.here, client)() {
		t.Error("the address is banned")
	}
}

func (s suite) invalid(t *testing.T) {
	if _, ok := s.here.Add(netip.Addr{}, time.Hour); ok || s.isBanned(s.here, netip.Addr{})() {
		t.Error("an invalid address is banned")
	}
	kittest.Error(t, s.here.Lift(t.Context(), netip.Addr{}), fault.ErrNotFound)
}

func (s suite) longest(t *testing.T) {
	b := s.ban(t, client, 1000*time.Hour)
	kittest.Equal(t, b.ExpireTime.Sub(b.CreateTime), ban.MaxDuration)
}
