package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/examples/internal/platform"
	"github.com/bongsu-project/bongsu/examples/library/delivery"
	"github.com/bongsu-project/bongsu/examples/library/event"
	"github.com/bongsu-project/bongsu/examples/library/mypage"
	"github.com/bongsu-project/bongsu/examples/library/product"
	"github.com/bongsu-project/bongsu/examples/library/reservation"
	"github.com/bongsu-project/bongsu/examples/library/web"
	"github.com/bongsu-project/bongsu/kit/process"
)

// trustedProxies is the argument by which Bongsu limits people by their own addresses, and not by
// that of the web page.
const trustedProxies = "--trusted-proxies=127.0.0.1"

// serveCmd runs the services.
type serveCmd struct {
	Services    []string `default:"reservation,product,delivery,mypage,web" enum:"reservation,product,delivery,mypage,web" help:"The services that this process runs: ${enum}."`
	Data        string   `default:"./library-data" type:"path" placeholder:"DIR" help:"The folder of the databases, and of the embedded NATS server and Bongsu."`
	DatabaseURL string   `placeholder:"URL" help:"The databases of the services, with {service} in place of the name: postgres://… or a path. By default files in --data."`
	Replicas    int      `default:"1" help:"The number of NATS servers that store each stream."`

	CancelTimeout time.Duration `default:"610ms" help:"How long delivery may take to cancel before reservation refuses a cancellation; less than 5s."`

	WebAddr   string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"The address of the web page."`
	PublicURL string `placeholder:"URL" help:"Where customers reach the web page, for the links of notifications. By default that of --web-addr."`
	EdgeURL   string `default:"http://127.0.0.1:18080" placeholder:"URL" help:"The URL of the edge by which the web page calls the services, with --nats-url."`

	platform.Flags
	process.Config
}

// Run runs the services until ctx ends.
func (c *serveCmd) Run(ctx context.Context) (err error) {
	c.Name, c.NextSignal = "library", process.Notify
	if c.Log, err = c.NewLog(os.Stderr); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return err
	}
	if c.NATSURL != "" {
		return c.serve(ctx)
	}
	beside, err := platform.Open(c.Data, c.Flags, &c.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, beside.Close()) }()
	if err := beside.StartBongsu(ctx, trustedProxies); err != nil {
		return err
	}
	edge, err := beside.Edge(ctx)
	if err != nil {
		return err
	}
	c.EdgeURL = edge.URL
	return c.serve(ctx, append(beside.Tasks(), func(ctx context.Context) error { return c.prepare(ctx, beside) })...)
}

// serve joins a deployment and serves until ctx ends. tasks run meanwhile.
func (c *serveCmd) serve(ctx context.Context, tasks ...process.Task) error {
	p, err := process.New(ctx, c.Config)
	if err != nil {
		return err
	}
	if err := c.addServices(ctx, p); err != nil {
		return errors.Join(err, p.Close())
	}
	c.PublicURL = cmp.Or(c.PublicURL, "http://"+cmp.Or(p.Addr("web"), c.WebAddr))
	for _, task := range tasks {
		p.AddTask(task)
	}
	return p.Run(ctx)
}

// addServices adds the services to a process, each after those that it calls.
func (c *serveCmd) addServices(ctx context.Context, p *process.Process) error {
	if err := openStream(ctx, p, c.Replicas); err != nil {
		return err
	}
	for _, service := range []struct {
		name string
		add  func(name string) error
	}{
		{"product", func(name string) error { return product.AddTo(ctx, p, c.databaseURL(name)) }},
		{"delivery", func(name string) error { return delivery.AddTo(ctx, p, c.databaseURL(name)) }},
		{"reservation", func(name string) error { return reservation.AddTo(ctx, p, c.databaseURL(name), c.CancelTimeout) }},
		{"mypage", func(string) error { return mypage.AddTo(ctx, p, c.Replicas) }},
		{"web", func(string) error {
			return web.AddTo(ctx, p, web.Config{Addr: c.WebAddr, EdgeURL: c.EdgeURL, Secure: strings.HasPrefix(c.PublicURL, "https:")})
		}},
	} {
		if !slices.Contains(c.Services, service.name) {
			continue
		}
		if err := service.add(service.name); err != nil {
			return fmt.Errorf("start %s: %w", service.name, err)
		}
	}
	return nil
}

// databaseURL returns the URL of the database of a service.
func (c *serveCmd) databaseURL(service string) string {
	url := cmp.Or(c.DatabaseURL, filepath.Join(c.Data, "{service}.db"))
	return strings.ReplaceAll(url, "{service}", service)
}

// openStream creates the stream of the events if it is missing, and adds the relay of its events to
// Bongsu.
func openStream(ctx context.Context, p *process.Process, replicas int) error {
	js, err := jetstream.New(p.NATS())
	if err != nil {
		return err
	}
	if err := event.EnsureStream(ctx, js, replicas); err != nil {
		return err
	}
	relay, err := event.NewRelay(js, p.Log())
	if err != nil {
		return err
	}
	return p.AddStreams("library", relay)
}
