package edge_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/edge"
)

// TestAddressLimit refuses requests beyond the limit of their address, and no others.
func TestAddressLimit(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "2/s" })
	kittest.Equal(t, a.statuses(t, client, 6), []int{404, 404, 404, 404, 429, 429})
	kittest.Equal(t, a.statuses(t, neighbor, 1), []int{404})
	a.clock.Advance(500 * time.Millisecond)
	kittest.Equal(t, a.statuses(t, client, 2), []int{404, 429})
	a.clock.Advance(time.Hour)
	kittest.Equal(t, a.statuses(t, client, 5), []int{404, 404, 404, 404, 429})

	kittest.Equal(t, a.statuses(t, client6, 4), []int{404, 404, 404, 404})
	kittest.Equal(t, a.statuses(t, sibling6, 1), []int{429})
	kittest.Equal(t, a.statuses(t, "2001:db8:0:2::7", 1), []int{404})
	kittest.Equal(t, a.statuses(t, "::ffff:"+client, 1), []int{429})
	kittest.Equal(t, a.counted.refused(), map[string]int{edge.RefusedAddressLimit: 6})
	kittest.Equal(t, a.admission.Counts(), edge.Counts{Addresses: 4})
}

// TestRateHeaders tells callers how much is left, and when to come again.
func TestRateHeaders(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "2/s" })
	for i, want := range []string{`"address";r=3;t=1`, `"address";r=2;t=1`, `"address";r=1;t=2`, `"address";r=0;t=2`, `"address";r=0;t=2`} {
		res := a.get(t, client)
		kittest.Equal(t, res.Header().Get("RateLimit"), want)
		kittest.Equal(t, res.Header().Get("RateLimit-Policy"), `"address";q=4;w=2`)
		if want := map[bool]string{true: "1"}[i == 4]; res.Header().Get("Retry-After") != want {
			t.Errorf("request %d: Retry-After is %q, want %q", i, res.Header().Get("Retry-After"), want)
		}
	}
}

// TestAddressBan bans an address that goes on beyond the limit, for the time of a ban.
func TestAddressBan(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit, c.BanAfter = "1/s", "3" })
	kittest.Equal(t, a.statuses(t, client, 8), []int{404, 404, 429, 429, 429, 429, 403, 403})
	kittest.Equal(t, a.statuses(t, neighbor, 1), []int{404})
	kittest.Equal(t, a.counted.bans, 1)
	kittest.Equal(t, a.counted.refused(), map[string]int{edge.RefusedAddressLimit: 4, edge.RefusedBanned: 2})

	res := a.get(t, client)
	text := res.Body.String()
	kittest.Equal(t, res.Header().Get("Retry-After"), "600")
	for _, part := range []string{client, "2026-03-01T12:10:00Z", "bongsu ban lift", `"code":7`, `"reason":"ADDRESS_BANNED"`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not contain %q", text, part)
		}
	}
	a.clock.Advance(10*time.Minute - time.Second)
	kittest.Equal(t, a.statuses(t, client, 1), []int{403})
	a.clock.Advance(time.Second)
	kittest.Equal(t, a.statuses(t, client, 3), []int{404, 404, 429})

	// A ban ends when it is lifted; refusals are counted anew.
	kittest.Equal(t, a.statuses(t, client, 4), []int{429, 429, 429, 403})
	kittest.NoError(t, a.bans.Lift(t.Context(), netip.MustParseAddr(client)))
	kittest.Equal(t, a.statuses(t, client, 1), []int{429})
}

// TestSlowAddressIsNotBanned refuses an address that is slightly above the limit, and does not
// ban it.
func TestSlowAddressIsNotBanned(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit, c.BanAfter = "1/s", "10" })
	for range 300 { // 2 in a second
		a.statuses(t, client, 1)
		a.clock.Advance(500 * time.Millisecond)
	}
	kittest.Equal(t, a.counted.bans, 0)
	if refused := a.counted.refused()[edge.RefusedAddressLimit]; refused < 100 {
		t.Errorf("%d refused", refused)
	}
}

// TestNoBans never bans with --ban-after=off.
func TestNoBans(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit, c.BanAfter = "1/s", "off" })
	a.statuses(t, client, 1000)
	kittest.Equal(t, a.statuses(t, client, 1), []int{429})
	kittest.Equal(t, a.bans.Len(), 0)
}

// TestBannedElsewhere refuses an address that another edge has banned.
func TestBannedElsewhere(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "1/s" })
	a.bans.Add(netip.MustParseAddr(client), time.Minute)
	kittest.Equal(t, a.statuses(t, client, 1), []int{403})
}

// TestAddressesAreBounded floods from more addresses than are kept: memory is bounded, and an
// address in use keeps its limit.
func TestAddressesAreBounded(t *testing.T) {
	a := admit(t, func(c *edge.AdmissionConfig) { c.AddressLimit = "1/h" })
	kittest.Equal(t, a.statuses(t, client, 3), []int{404, 404, 429})
	for i := range 70_000 {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nothing", nil)
		r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1).String()
		a.ServeHTTP(httptest.NewRecorder(), r)
		if i%1000 == 0 {
			kittest.Equal(t, a.statuses(t, client, 1), []int{429})
		}
	}
	kittest.Equal(t, a.admission.Counts().Addresses, 65_536)
}
