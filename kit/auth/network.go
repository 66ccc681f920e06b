package auth

import (
	"net/netip"
	"strings"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// ParseNetwork parses an IP address, or a network such as 10.0.0.0/8, whose host bits are set to
// zero. An address is the network that holds only itself; an IPv4 address in the form of IPv6
// is IPv4. The error is fault.ErrInvalid.
func ParseNetwork(text string) (netip.Prefix, error) {
	if !strings.Contains(text, "/") {
		address, err := netip.ParseAddr(text)
		if err != nil || address.Zone() != "" {
			return netip.Prefix{}, errNetwork(text)
		}
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err != nil || network.Addr().Is4In6() {
		return netip.Prefix{}, errNetwork(text)
	}
	return network.Masked(), nil
}

func errNetwork(text string) error {
	return fault.Invalidf("invalid address %q: use an IP address such as 10.0.0.7, or a network such as 10.0.0.0/8", text)
}

// NetworkText returns a network as ParseNetwork parses it: one of a single address as that
// address.
func NetworkText(network netip.Prefix) string {
	if network.IsSingleIP() {
		return network.Addr().String()
	}
	return network.String()
}
