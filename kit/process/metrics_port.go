package process

import (
	"context"
	"fmt"
	"net/http"

	"github.com/bongsu-project/bongsu/kit/rpc"
)

// MetricsPort is the name of the port of Config.MetricsAddr, for Process.Addr and the log.
const MetricsPort = "metrics"

// metricsPattern is the pattern of the metrics on a port.
const metricsPattern = "GET /metrics"

// openMetricsPort opens the port of MetricsAddr, if it is set. It stops after those of services.
func (p *Process) openMetricsPort(ctx context.Context) error {
	if p.config.MetricsAddr == "" {
		return nil
	}
	addr, err := p.config.listenAddr(MetricsPort, p.config.MetricsAddr)
	if err != nil {
		return fmt.Errorf("--metrics-addr: %w", err)
	}
	hosts := rpc.AnyHost // a scraper uses the address of the process
	if isLoopback(addr) {
		hosts = rpc.Hosts{}
	}
	l := rpc.Listener{
		Ready:    func(context.Context) error { return nil },
		Handlers: map[string]http.Handler{metricsPattern: p.metrics.Handler()},
		Stages:   []rpc.Stage{rpc.RequestIDs},
	}
	p.guard(&l, MetricsPort, addr)
	if _, err := p.listen(ctx, MetricsPort, addr, l, hosts, true); err != nil {
		return fmt.Errorf("--metrics-addr: %w", err)
	}
	return nil
}
