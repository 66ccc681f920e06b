package process

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/kit/stream"
)

// A Task runs until ctx ends, and returns nil then. Another end stops the process.
type Task func(ctx context.Context) error

// A Service is a service of a process: Protobuf services on one port, with their tasks and readiness.
type Service struct {
	// Name is the name of the service, such as reservation: 1 to 63 lower-case letters, digits and
	// "-". It is that of its instances in the registry, and of its address in Config.Listen.
	Name string
	// Addr is the listen address, host:port or :port. By default it is a free port.
	Addr string
	// Services are the Protobuf services, made with Process.RPC. They are registered, and by
	// reflection an edge learns their methods.
	Services []rpc.Service
	// Handlers are further handlers of the port, by pattern, such as "GET /export", for other
	// processes of the deployment. The port serves "GET /metrics" anyway.
	Handlers map[string]http.Handler
	// OpenHandlers are further handlers for whoever can reach the port, without the internal key,
	// such as "GET /.well-known/jwks.json".
	OpenHandlers map[string]http.Handler
	// Ready returns the error for which the service cannot serve, or nil, such as store.Ping. By
	// default it always can.
	Ready func(context.Context) error
	// Streams are the outboxes and consumers of the service. They run like Tasks, and their backlogs
	// are metrics: see stream.RegisterBacklogs.
	Streams []stream.Worker
	// Tasks run from the start until the requests in flight are finished.
	Tasks []Task
	// Close runs when the port, the tasks and the streams have stopped, such as store.Close; also if New or
	// Add fails after the service was added. By default it is nothing.
	Close func() error
}

// Add adds a service, and opens its port: requests wait until Run. Add a service after those that
// it calls: services stop in the reverse order. On an error the process must be closed.
func (p *Process) Add(ctx context.Context, s Service) error {
	if s.Close != nil {
		p.closeLater("service "+s.Name, s.Close)
	}
	addr, err := p.config.listenAddr(s.Name, s.Addr)
	if err != nil {
		return fmt.Errorf("service %s: %w", s.Name, err)
	}
	if s.Ready == nil {
		s.Ready = func(context.Context) error { return nil }
	}
	l := rpc.Listener{Services: s.Services, Ready: s.Ready, Handlers: map[string]http.Handler{metricsPattern: p.metrics.Handler()}, Stages: []rpc.Stage{rpc.RequestIDs}}
	var open []string
	for pattern, handler := range s.OpenHandlers {
		if strings.HasSuffix(pattern, " /") || pattern == "/" {
			return fmt.Errorf("service %s: the pattern %q would open all of the port: use AddPort", s.Name, pattern)
		}
		l.Handlers[pattern] = handler
		open = append(open, pattern)
	}
	for pattern, handler := range s.Handlers {
		l.Handlers[pattern] = handler
	}
	p.guard(&l, s.Name, addr, open...)
	server, err := p.listen(ctx, s.Name, addr, l, rpc.AnyHost, true)
	if err != nil {
		return fmt.Errorf("service %s: %w", s.Name, err)
	}
	instance := discovery.Instance{
		ID: discovery.NewID(p.host, s.Name), Name: s.Name, Version: p.config.Version, Start: time.Now(), Host: p.host,
		URL: discovery.AdvertisedURL(server.Addr(), discovery.AdvertiseOptions{Host: p.config.AdvertiseHost, NATSURL: p.natsURL(), Secure: p.peers.ServerTLS() != nil}),
	}
	for _, one := range s.Services {
		instance.Services = append(instance.Services, one.Name())
	}
	if err := instance.Validate(); err != nil {
		return fmt.Errorf("service %s: %w; set --advertise-host", s.Name, err)
	}
	if isLoopback(server.Addr()) && p.config.AdvertiseHost == "" && !isLoopback(discovery.LocalAddress(p.natsURL())+":0") {
		p.log.Warn("only processes on this machine can call this port, but the NATS server is on another one: set --listen-host, such as 0.0.0.0", "service", s.Name, "addr", server.Addr())
	}
	p.own.add(instance.ID)
	p.instances = append(p.instances, instance)
	p.tasks = append(p.tasks, s.Tasks...)
	return p.AddStreams(s.Name, s.Streams...)
}

// AddStreams adds outboxes and consumers, such as a relay, that belong to no service. name is in the
// attribute service of their metrics. See Service.Streams.
func (p *Process) AddStreams(name string, workers ...stream.Worker) error {
	if err := stream.RegisterBacklogs(p.Meter(), name, workers...); err != nil {
		return fmt.Errorf("streams of %s: %w", name, err)
	}
	for _, w := range workers {
		p.tasks = append(p.tasks, w.Run)
	}
	return nil
}

// guard lets a port serve peers only, but for open patterns, if peers authenticate.
func (p *Process) guard(l *rpc.Listener, name, addr string, open ...string) {
	if stage := p.peers.Stage(open...); stage != nil {
		l.Stages = append(l.Stages, stage)
	} else if !isLoopback(addr) {
		p.log.Warn("this port serves everybody who can reach it: set --internal-key-file or --internal-tls-cert, or restrict the network", "service", name, "addr", addr)
	}
}

// A Port is a port with plain HTTP, such as that of a web page, for people. It is not registered.
type Port struct {
	Name    string // for the log and Config.Listen
	Addr    string // host:port or :port; by default a free port
	Handler http.Handler
	// AllowedHosts are Host headers that are served besides loopback names, such as
	// shop.example.com, *.example.com or * for all. By default a port on loopback serves only
	// those, and any other port every Host.
	AllowedHosts []string
	// Ready is as in Service.
	Ready func(context.Context) error
}

// AddPort adds a port, which also serves /healthz and /readyz. Requests of other sites' pages are
// refused. Handlers get requests with ids, and the path /v1/ is not served.
func (p *Process) AddPort(ctx context.Context, port Port) error {
	addr, err := p.config.listenAddr(port.Name, port.Addr)
	if err != nil {
		return fmt.Errorf("port %s: %w", port.Name, err)
	}
	hosts, err := rpc.ParseHosts(port.AllowedHosts, "shop.example.com")
	if err != nil {
		return fmt.Errorf("port %s: %w", port.Name, err)
	}
	if len(port.AllowedHosts) == 0 && !isLoopback(addr) {
		hosts = rpc.AnyHost
	}
	if port.Ready == nil {
		port.Ready = func(context.Context) error { return nil }
	}
	l := rpc.Listener{Ready: port.Ready, Handlers: map[string]http.Handler{"/": port.Handler}, Stages: []rpc.Stage{rpc.RequestIDs}}
	if _, err := p.listen(ctx, port.Name, addr, l, hosts, false); err != nil {
		return fmt.Errorf("port %s: %w", port.Name, err)
	}
	return nil
}

// listen opens a port; internal ones use the TLS between processes.
func (p *Process) listen(ctx context.Context, name, addr string, l rpc.Listener, hosts rpc.Hosts, internal bool) (*rpc.Server, error) {
	l.Draining, l.Stopping = p.draining.Done(), p.stopping.Done()
	handler, err := l.Handler()
	if err != nil {
		return nil, err
	}
	secure := p.peers.ServerTLS()
	if !internal {
		secure = nil
	}
	server, err := p.admission.ListenTLS(ctx, addr, rpc.Protect(handler, hosts, nil, p.log), secure)
	if err != nil {
		return nil, err
	}
	p.closeLater("port of "+name, server.Close)
	p.ports = append(p.ports, port{name, server})
	return server, nil
}

// hostname returns the name of this machine.
func hostname() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}
