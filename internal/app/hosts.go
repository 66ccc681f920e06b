package app

import (
	"fmt"
	"net/url"

	"github.com/bongsu-project/bongsu/internal/rpc"
)

// completeHosts reads the hosts of --allowed-hosts.
func (c *Config) completeHosts() error {
	var err error
	if c.hosts, err = rpc.ParseHosts(c.AllowedHosts); err != nil {
		return fmt.Errorf("--allowed-hosts: %w", err)
	}
	return nil
}

// hostsOf returns the hosts that the port of a service serves. Where hosts were named,
// and on loopback, these are the only ones beside loopback. Callers elsewhere know a
// service by names that it does not know itself, so that all are served else.
func (b *builder) hostsOf(service, addr string) rpc.Hosts {
	if len(b.config.AllowedHosts) == 0 && !loopback(addr) {
		b.log.Warn("every Host header is served on this address, so that pages of other sites can reach it by DNS rebinding: name its hosts with --allowed-hosts",
			"service", service, "addr", addr)
		return rpc.AnyHost
	}
	if service != Edge {
		return b.config.hosts
	}
	var callbacks []string // a tunnel or proxy leads from these to the edge
	for _, of := range b.config.Messengers {
		if u, err := url.Parse(of.CallbackURL); err == nil && u.Host != "" {
			callbacks = append(callbacks, u.Host)
		}
	}
	return b.config.hosts.With(callbacks...)
}
