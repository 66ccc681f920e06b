package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/bongsu-project/bongsu/cmd/bongsu/app"
)

// demoCmd is the command bongsu demo.
type demoCmd struct {
	Data       string `type:"path" help:"The data folder; by default a temporary one, removed at exit."`
	EdgeAddr   string `default:"127.0.0.1:18080" help:"The address on which the edge listens."`
	MockupAddr string `default:"127.0.0.1:18084" help:"The address on which the mockup listens, which fakes Slack."`
	Once       bool   `help:"Exit when the deliveries are completed, instead of serving on."`
}

// Help returns the long help.
func (demoCmd) Help() string {
	return `Runs all services in one process with demonstration data and a fake Slack, sends one alert to three users, prints the requests to the fake Slack and the deliveries in the ledger, and serves until it is stopped.

Examples:

	bongsu demo
	bongsu demo --data=./demo --edge-addr=127.0.0.1:0`
}

// Run runs the demonstration, and then serves until ctx is done.
func (c demoCmd) Run(ctx context.Context, con *console) (err error) {
	data := c.Data
	if data == "" {
		if data, err = os.MkdirTemp("", "bongsu-demo-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	}
	out := &deferredOutput{w: con.Out} // the mockup prints concurrently
	config := app.Config{
		Services: []string{"all", app.Mockup},
		Data:     data,
		Log:      logging{LogLevel: slog.LevelWarn}.logger(con.Err),
		Calls:    out,
	}
	config.Edge.Addr, config.Mockup.Addr = c.EdgeAddr, c.MockupAddr
	config.Directory.DemoData = true
	a, err := app.New(ctx, config)
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
		err := demoRun{out: out, edge: "http://" + a.Addr(app.Edge), mockup: "http://" + a.Addr(app.Mockup), data: data, once: c.Once}.run(ctx)
		if err != nil || c.Once {
			stop()
		}
		return err
	})
	return g.Wait()
}
