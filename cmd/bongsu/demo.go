package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/internal/app"
)

// demoCmd is bongsu demo.
type demoCmd struct {
	Data       string `type:"path" help:"The folder to keep everything in; by default a temporary one that is removed in the end."`
	EdgeAddr   string `default:"127.0.0.1:18080" help:"Where the edge listens."`
	MockupAddr string `default:"127.0.0.1:18084" help:"Where the mockup listens, the fake Slack."`
	Once       bool   `help:"Stop when the deliveries have ended, instead of serving on."`
}

// Help is the long help.
func (demoCmd) Help() string {
	return `Runs everything in one process with demonstration data and a fake Slack, sends one alert to three people, shows what the fake Slack got and what the ledger says of each delivery, and goes on serving so that you can try it.

Examples:

	bongsu demo
	bongsu demo --data=./demo --edge-addr=127.0.0.1:0`
}

// Run shows how it works, and then serves until ctx ends.
func (c demoCmd) Run(ctx context.Context, con *console) (err error) {
	data := c.Data
	if data == "" {
		if data, err = os.MkdirTemp("", "bongsu-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	}
	out := &curtain{w: con.Out} // the mockup prints while the tour does
	a, err := app.New(ctx, app.Config{
		Services: []string{"all", app.Mockup},
		Data:     data,
		Addrs:    map[string]string{app.Edge: c.EdgeAddr, app.Mockup: c.MockupAddr},
		DemoData: true,
		Log:      logging{LogLevel: slog.LevelWarn}.logger(con.Err),
		Calls:    out,
	})
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var g errgroup.Group
	g.Go(func() error {
		defer stop()
		return a.Run(ctx)
	})
	g.Go(func() error {
		err := tour{out: out, edge: "http://" + a.Addr(app.Edge), mockup: "http://" + a.Addr(app.Mockup), data: data}.run(ctx)
		if err != nil || c.Once {
			stop()
		}
		return err
	})
	return g.Wait()
}
