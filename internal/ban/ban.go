// Package ban keeps the client addresses whose requests every edge refuses for a while.
// Memory keeps them in one process; Bucket shares them by a key-value bucket of NATS, and
// answers from memory as well. Package bantest has the suite that both pass.
package ban

import (
	"context"
	"net/netip"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// MaxDuration is the maximum duration of a ban.
	MaxDuration = 24 * time.Hour
	// maxBans is the maximum number of bans in memory, some 10 MB.
	maxBans = 65_536
	// networkBits is the size of an IPv6 network that one client may have: addresses of one
	// network are one address here (RFC 6177 assigns at least 64 bits to a site).
	networkBits = 64
)

// A Ban is an address whose requests are refused.
type Ban struct {
	Address    netip.Prefix // an IPv4 address, or an IPv6 network of 64 bits
	CreateTime time.Time
	ExpireTime time.Time
}

// Bans are the banned addresses of one edge or several. An IPv6 address stands for its
// network of 64 bits, and an IPv4 address in IPv6 form for itself. Bans is safe for
// concurrent use.
type Bans interface {
	// Find returns the ban of an address that has not expired, and reports whether there is
	// one. It runs for every request: it does no I/O, and without bans it takes no
	// lock.
	Find(addr netip.Addr) (Ban, bool)
	// Add bans an address for a duration, at most MaxDuration. The ban holds here at once and
	// in the other processes within a second; while those cannot be reached, later. A ban of
	// a banned address replaces it. Add does not wait for I/O. It reports false for an invalid
	// address, and if there are too many bans.
	Add(addr netip.Addr, duration time.Duration) (Ban, bool)
	// List returns the bans that have not expired, latest first. It returns
	// fault.ErrUnavailable if those of other processes are unknown.
	List(ctx context.Context) ([]Ban, error)
	// Lift ends the ban of an address, here at once and in the other processes within a
	// second. It returns fault.ErrNotFound if the address is not banned, and
	// fault.ErrUnavailable, without an effect, if the other processes cannot be reached.
	Lift(ctx context.Context, addr netip.Addr) error
}

// NetworkOf returns the address as limits and bans count it: an IPv4 address itself, and an
// IPv6 address as its network of 64 bits. It returns the zero Prefix for an invalid address.
func NetworkOf(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	bits := addr.BitLen()
	if bits > networkBits {
		bits = networkBits
	}
	network, err := addr.Prefix(bits) // without a zone
	if err != nil {
		return netip.Prefix{}
	}
	return network
}

// Text returns the address of a ban as people write it: without a length for IPv4.
func (b Ban) Text() string {
	if b.Address.IsSingleIP() {
		return b.Address.Addr().String()
	}
	return b.Address.String()
}

func errNotBanned(addr netip.Addr) error {
	return fault.WithResource(fault.NotFoundf("address %s is not banned", addr), "ban", addr)
}
