package edge

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// clientAddressStage sets the address of the client: that of the connection, or behind trusted
// proxies the last address in X-Forwarded-For that is not one of them. What stands before it is
// from the client itself, and may be anything.
func clientAddressStage(trusted []netip.Prefix) rpc.Stage {
	return func(next http.Handler) http.Handler { return &clientAddress{next: next, trusted: trusted} }
}

type clientAddress struct {
	next    http.Handler
	trusted []netip.Prefix
}

// ServeHTTP serves a request.
func (s *clientAddress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if info := rpc.InfoOf(r.Context()); info != nil {
		info.Client = s.of(r)
	}
	s.next.ServeHTTP(w, r)
}

// of returns the address of the client; the zero Addr if the connection has none.
func (s *clientAddress) of(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	client := canonical(peer.Addr())
	if len(s.trusted) == 0 || !s.trusts(client) {
		return client
	}
	for _, line := range slices.Backward(r.Header["X-Forwarded-For"]) {
		for more := true; more; {
			var last string
			line, last, more = cutLast(line)
			hop, ok := parseHop(last)
			if !ok {
				return client // whoever wrote it: the proxy that is known is the client
			}
			if client = hop; !s.trusts(client) {
				return client
			}
		}
	}
	return client
}

func (s *clientAddress) trusts(addr netip.Addr) bool {
	for _, network := range s.trusted {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// cutLast returns the last element of a list separated by commas, and the rest. more is false
// for the only one.
func cutLast(list string) (rest, last string, more bool) {
	comma := strings.LastIndexByte(list, ',')
	if comma < 0 {
		return "", list, false
	}
	return list[:comma], list[comma+1:], true
}

// parseHop parses an address of X-Forwarded-For. Some proxies write it with a port or brackets.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.Trim(text, " \t")
	if addr, err := netip.ParseAddr(text); err == nil {
		return canonical(addr), true
	}
	if addr, err := netip.ParseAddrPort(text); err == nil {
		return canonical(addr.Addr()), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if addr, err := netip.ParseAddr(strings.TrimSuffix(inner, "]")); err == nil && strings.HasSuffix(inner, "]") {
			return canonical(addr), true
		}
	}
	return netip.Addr{}, false
}

// canonical returns one form of an address, for comparison.
func canonical(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
