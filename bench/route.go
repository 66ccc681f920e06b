package main

import (
	"context"
	"log/slog"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/bongsu-project/bongsu/bench/figure"
	"github.com/bongsu-project/bongsu/bench/load"
	registryv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/registry/v1/registryv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// route measures reads of a user through an edge without its response cache. The edge finds
// one instance of the directory service in the registry, and then three. Beside it is a bare
// reverse proxy in front of one instance.
func route(s *scene) {
	in := s.files()
	_, nats := s.binaries.NATS(s, s.folder(), -1)
	serve := func(service string, more ...string) string {
		args := append([]string{"--services=" + service, "--" + service + "-addr=127.0.0.1:0", "--data=" + s.folder(), "--nats-url=" + nats}, more...)
		return s.binaries.Serve(s, args...).URLs(s, 1)[service]
	}
	directory := func() string {
		return serve("directory", "--directory-url="+in.directory, "--seal-key-file="+s.key)
	}
	first := directory()
	s.settle(endpoint{url: first}, people, widths...)
	serve("alert", "--ledger-url="+in.ledger)
	edge := serve("edge", noKeys, "--response-cache=off")
	proxy := s.part("proxy", targetVariable+"="+first).URLs(s, 1)["proxy"]

	s.add(figure.Figure{Name: "route/direct", Unit: "reads/s", Value: s.readUsers(first)})
	for _, count := range []int{1, 3} {
		if count == 3 {
			directory()
			directory()
		}
		s.awaitInstances(edge, "directory", count)
		var routed float64
		whole := beside(func() float64 { return s.readUsers(proxy) }, func() { routed = s.readUsers(edge) })
		of := name("route/proxy", strconv.Itoa(count))
		s.add(figure.Figure{Name: of, Unit: "reads/s", Value: whole})
		s.add(figure.Figure{Name: name("route", strconv.Itoa(count)), Unit: "reads/s", Value: routed, Of: of, Whole: whole})
	}
}

// readUsers returns the reads of a user per second at a URL, as plain JSON, by as many callers
// as there are workers.
func (s *scene) readUsers(url string) float64 {
	client := newHTTPClient(workers)
	read := func(ctx context.Context, n int) error {
		return postJSON(ctx, client, url+userv1connect.UserServiceGetUserProcedure, "", `{"nickName":"`+user(n%people)+`"}`)
	}
	s.run(load.Closed{Callers: workers, Time: s.Time / 5}, read)
	return s.run(load.Closed{Callers: workers, Time: s.Time}, read).PerSecond()
}

// registryPoll is the interval at which awaitInstances reads the instances.
const registryPoll = 50 * time.Millisecond

// awaitInstances waits until an edge knows count serving instances of a service.
func (s *scene) awaitInstances(edge, service string, count int) {
	client := registryv1connect.NewRegistryServiceClient(newHTTPClient(1), edge)
	for found := 0; found != count; time.Sleep(registryPoll) { // another process can only be polled
		res, err := client.ListInstances(s.ctx, &registryv1.ListInstancesRequest{})
		s.must(err)
		found = 0
		for _, i := range res.GetInstances() {
			if i.GetName() == service && i.GetState() == registryv1.InstanceState_INSTANCE_STATE_SERVING {
				found++
			}
		}
	}
}

// proxyTo serves a bare reverse proxy to a URL, and logs its address.
func proxyTo(ctx context.Context, target string) error {
	to, err := url.Parse(target)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: newTransport(workers),
	}
	server, err := rpc.Listen(ctx, "127.0.0.1:0", proxy, log)
	if err != nil {
		return err
	}
	log.Info("listening", "service", "proxy", "addr", server.Addr())
	return server.Serve(ctx, time.Second)
}
