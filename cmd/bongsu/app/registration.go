package app

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/bongsu-project/bongsu/gen/go/bongsu/callback/v1/callbackv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/intake/v1/intakev1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// edgeServices are the services that an edge serves itself. It forwards calls to the others:
// an edge that found itself as an instance of them would call itself.
var edgeServices = []string{intakev1connect.IntakeServiceName, callbackv1connect.CallbackServiceName, registryv1connect.RegistryServiceName}

// register registers a port in the registry, from when it is served until it has stopped.
func (b *builder) register(stage int, service string, l rpc.Listener, server *rpc.Server, secure bool) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	instance := discovery.Instance{
		ID: discovery.NewID(host, service), Name: service, URL: b.instanceURL(service, server.Addr(), secure),
		Version: b.config.Version, Start: time.Now(), Host: host,
	}
	for _, s := range l.Services {
		instance.Services = append(instance.Services, s.Name())
	}
	if service == Edge {
		instance.Services = edgeServices
	}
	b.instanceIDs[service] = instance.ID
	if err := instance.Validate(); err != nil {
		return fmt.Errorf("register the port of %s: %w; set --advertise-host", service, err)
	}
	after := min(stage+1, stageLimiter)
	b.shutdownStages[after] = append(b.shutdownStages[after], func(ctx context.Context) error {
		states := make(chan discovery.StateChange, 1)
		stop := context.AfterFunc(b.draining, func() { states <- discovery.StateChange{State: discovery.Draining, Reason: "stopping"} }) //nolint:contextcheck // it ends earlier than ctx
		defer stop()
		return b.registrar.Register(ctx, instance, states)
	})
	return nil
}

// instanceURL returns the URL by which other processes call a port of this one.
func (b *builder) instanceURL(service, addr string, secure bool) string {
	if b.config.AdvertiseHost == "" && b.config.NATSURL != "" && isLoopback(addr) && !isLoopback(net.JoinHostPort(discovery.LocalAddress(b.config.NATSURL), "0")) {
		b.log.Warn("only processes on this machine can call this port, but the NATS server is on another one: set its address, such as 0.0.0.0", "service", service, "addr", addr)
	}
	return discovery.AdvertisedURL(addr, discovery.AdvertiseOptions{Host: b.config.AdvertiseHost, NATSURL: b.config.NATSURL, Secure: secure})
}
