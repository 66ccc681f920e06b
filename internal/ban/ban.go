// Package ban holds banned addresses.
package ban

import (
	"net/netip"
	"time"
)

// A Ban is an address whose requests are refused.
type Ban struct {
	Address    netip.Prefix // an IPv4 address, or an IPv6 network of 64 bits
	CreateTime time.Time
	ExpireTime time.Time
}
