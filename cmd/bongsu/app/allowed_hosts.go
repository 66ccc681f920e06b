package app

import (
	"net/url"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// hostsOf returns the hosts that the port of a service serves, and for the edge the origins of
// other sites whose pages may call it.
func (b *builder) hostsOf(service, addr string) rpc.Hosts {
	hosts := b.servedHosts(service, addr)
	if service == Edge {
		hosts = hosts.WithOrigins(b.config.Edge.Admission.Origins()...)
	}
	return hosts
}

// servedHosts returns the hosts that the port of a service serves. With --allowed-hosts,
// and on loopback, these are the named ones, and that of --advertise-host, beside loopback
// names. Otherwise every host
// is served: callers reach a service by names that are not configured there.
func (b *builder) servedHosts(service, addr string) rpc.Hosts {
	if len(b.config.AllowedHosts) == 0 && !isLoopback(addr) {
		b.log.Warn("accepting every Host header on this address: pages of other sites can reach it by DNS rebinding; set --allowed-hosts",
			"service", service, "addr", addr)
		return rpc.AnyHost
	}
	hosts := b.config.hosts
	if b.config.AdvertiseHost != "" {
		hosts = hosts.With(b.config.AdvertiseHost)
	}
	if service != Edge {
		return hosts
	}
	var callbacks []string // a tunnel or proxy forwards these to the edge
	if u, err := url.Parse(b.config.PublicURL); err == nil && u.Host != "" {
		callbacks = append(callbacks, u.Host)
	}
	for _, of := range b.config.messengers {
		if u, err := url.Parse(of.CallbackURL); err == nil && u.Host != "" {
			callbacks = append(callbacks, u.Host)
		}
	}
	return hosts.With(callbacks...)
}
