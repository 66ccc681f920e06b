package app

import (
	"context"
	"fmt"
	"net/http"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// MetricsPort is the name of the metrics' port in the log, as those of services.
const MetricsPort = "metrics"

// serveMetrics serves /metrics on a port of its own, if one is configured. As on the ports
// of services other than the edge, the internal key and mutual TLS are required there where
// they are set. The port is open until the process has stopped everything else.
func (b *builder) serveMetrics(ctx context.Context) error {
	addr := b.config.MetricsAddr
	if addr == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", b.metrics.Handler())
	var guarded rpc.Listener // holds the stages of the port
	secure, err := b.secure(MetricsPort, addr, &guarded)
	if err != nil {
		return err
	}
	var handler http.Handler = mux
	for _, stage := range guarded.Stages {
		handler = stage(handler)
	}
	server, err := b.admit.ListenTLS(ctx, addr, rpc.Protect(handler, b.metricsHosts(addr), nil, b.log), secure)
	if err != nil {
		return fmt.Errorf("--metrics-addr: %w", err)
	}
	b.ports = append(b.ports, listener{MetricsPort, server})
	b.closeLater("the port of metrics", server.Close)
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], func(ctx context.Context) error {
		return server.Serve(ctx, shutdownGrace)
	})
	return nil
}

// metricsHosts returns the hosts that the port of metrics serves: every one, because a
// scraper uses the address of the process and --allowed-hosts names those of callers, and
// on loopback only loopback names.
func (b *builder) metricsHosts(addr string) rpc.Hosts {
	if isLoopback(addr) {
		return b.config.hosts
	}
	return rpc.AnyHost
}
