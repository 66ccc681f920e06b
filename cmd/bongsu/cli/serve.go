package cli

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"runtime"
	"runtime/debug"

	"github.com/bongsu-project/bongsu/cmd/bongsu/app"
)

// serveCmd is the command bongsu serve. Its flags are the settings of the process.
type serveCmd struct {
	app.Config
	logging
}

// Help returns the long help.
func (serveCmd) Help() string {
	return `Without flags one process runs all services: the edge on 127.0.0.1:18080, with databases, queue and seal key in ./data. All ports listen on loopback by default.

Examples:

	bongsu serve --data=/var/lib/bongsu
	bongsu serve --services=all,mockup --demo-data
	bongsu serve --services=sender --nats-url=nats://10.0.0.5 --seal-key-file=/etc/bongsu/seal.key
	bongsu serve --services=edge --nats-url=nats://10.0.0.5 --edge-addr=0.0.0.0:18080 --auth=required`
}

// Run makes serve the service of con.
func (c serveCmd) Run(ctx context.Context, con *console) error {
	con.service = func() error { return c.serve(ctx, con) }
	return nil
}

// serve serves until ctx is done.
func (c serveCmd) serve(ctx context.Context, con *console) error {
	defer useMemory(ctx)()
	if c.PprofAddr == "" {
		runtime.MemProfileRate = 0 // no port serves the profile
	}
	if err := c.CheckSyntax(); err != nil {
		return err
	}
	config := c.Config
	logs := &lockedWriter{w: con.Err}
	config.Now, config.Log, config.Calls = con.Now, c.logger(logs), con.Out
	config.Version = builtFrom(con.Version, debug.ReadBuildInfo).Version
	config.NextSignal = func(ctx context.Context) (context.Context, context.CancelFunc) {
		return signal.NotifyContext(ctx, shutdownSignals(signal.Ignored)...)
	}
	if config.AccessLines = c.accessLog(logs); config.AccessLines != nil {
		defer config.AccessLines.Close()
	}
	for _, name := range con.Unknown {
		config.Log.Warn("unknown environment variable", "name", name)
	}
	return serve(ctx, config)
}

func serve(ctx context.Context, config app.Config) error {
	a, err := app.New(ctx, config)
	if err != nil {
		return fmt.Errorf("cannot start: %w", err)
	}
	if err := a.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
