package discovery

import (
	"net"
	"net/url"
	"strings"
	"time"
)

// AdvertiseOptions are the settings of AdvertisedURL.
type AdvertiseOptions struct {
	Host    string // at which other processes reach this machine; empty to find it
	NATSURL string // of the NATS servers that processes share, separated by commas; empty for none
	Secure  bool   // by https
}

// AdvertisedURL returns the URL by which other processes call a listener at addr: with Host or, for
// a listener on all networks, with the address from which this machine reaches the NATS servers.
func AdvertisedURL(addr string, o AdvertiseOptions) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil { // cannot be: it is the address of a listener
		return ""
	}
	if ip := net.ParseIP(host); o.Host != "" {
		host = o.Host
	} else if ip != nil && ip.IsUnspecified() {
		host = LocalAddress(o.NATSURL)
	}
	scheme := "http"
	if o.Secure {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// LocalAddress returns the address of this machine from which it reaches the first of some NATS
// servers, separated by commas, and a loopback address without any. It sends nothing.
func LocalAddress(servers string) string {
	const loopback = "127.0.0.1"
	first, _, _ := strings.Cut(servers, ",")
	if first = strings.TrimSpace(first); first == "" {
		return loopback
	}
	if !strings.Contains(first, "://") {
		first = "nats://" + first
	}
	u, err := url.Parse(first)
	if err != nil {
		return loopback
	}
	port := u.Port()
	if port == "" {
		port = "4222"
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).Dial("udp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return loopback
	}
	defer conn.Close()
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	if err != nil {
		return loopback
	}
	return host
}
