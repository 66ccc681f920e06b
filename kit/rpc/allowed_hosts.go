package rpc

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Hosts is the set of Host headers that a port serves. A page whose name resolves to this
// machine (DNS rebinding) is detected by the Host that its browser sends: the name of the
// page.
//
// Loopback names and addresses are always served, and the local address of the connection.
// The zero value serves nothing else.
type Hosts struct {
	any     bool
	names   map[string]bool // a host, or a host with a port
	domains []string        // such as ".example.com", for all subdomains
}

// AnyHost serves every Host header.
var AnyHost = Hosts{any: true}

// ParseHosts returns the Hosts for entries: "api.example.com" and "10.0.0.5" with any
// port, "api.example.com:8443" with that port, "*.example.com" for every subdomain, "*"
// for every Host header. example is a host such as "api.example.com", for errors.
func ParseHosts(entries []string, example string) (Hosts, error) {
	hosts := Hosts{names: map[string]bool{}}
	for _, entry := range entries {
		name, wildcard := strings.CutPrefix(entry, "*.")
		host, port := splitHost(name)
		_, err := strconv.ParseUint(port, 10, 16)
		switch {
		case entry == "*":
			hosts.any = true
		case !isHost(host) || port != "" && err != nil || wildcard && port != "":
			return Hosts{}, fmt.Errorf("invalid host %q: use %s, %s:8443 or *.example.com", entry, example, example)
		case wildcard:
			hosts.domains = append(hosts.domains, "."+host)
		case port != "":
			hosts.names[net.JoinHostPort(host, port)] = true
		default:
			hosts.names[host] = true
		}
	}
	return hosts, nil
}

// With returns h with the named hosts added, on any port.
func (h Hosts) With(names ...string) Hosts {
	all := maps.Clone(h.names)
	if all == nil {
		all = map[string]bool{}
	}
	for _, name := range names {
		host, _ := splitHost(name)
		all[host] = true
	}
	h.names = all
	return h
}

// allows reports whether the Host header of a request is served. A request without one does
// not come from a browser.
func (h Hosts) allows(r *http.Request) bool {
	if h.any || r.Host == "" {
		return true
	}
	if ip, err := netip.ParseAddrPort(r.Host); err == nil && ip.Addr().IsLoopback() { // the common case, at a tenth of the cost
		return true
	}
	host, port := splitHost(r.Host)
	if h.names[host] || port != "" && h.names[net.JoinHostPort(host, port)] {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err == nil {
		return ip.IsLoopback() || isLocal(r, ip)
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	for _, domain := range h.domains {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// isLocal reports whether ip is the local address of the connection of r.
func isLocal(r *http.Request, ip netip.Addr) bool {
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && local.AddrPort().Addr().Unmap() == ip
}

// splitHost returns the host of a Host header, normalized for comparison (lower case,
// without brackets and final dot), and its port, which may be empty.
func splitHost(text string) (host, port string) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"), ""
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	return host, port
}

// isHost reports whether text is an IP address or a valid host name.
func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == "" && !strings.Contains(text, "..") && text[0] != '.'
}
