package main

import (
	"context"
	"errors"

	"github.com/bongsu-project/bongsu/examples/internal/platform"
	"github.com/bongsu-project/bongsu/examples/school/web"
	"github.com/bongsu-project/bongsu/kit/process"
)

// addPages adds the pages to a process, after the services, so that they stop first. Beside a platform,
// they call the services by its edge when it listens.
func (c *serveCmd) addPages(ctx context.Context, p *process.Process, beside *platform.Platform) error {
	if c.EdgeURL == "" && beside == nil {
		return errors.New("web requires --edge-url with --nats-url")
	}
	pages, err := web.AddTo(ctx, p, web.Config{Addr: c.WebAddr, URL: c.WebURL, EdgeURL: c.EdgeURL})
	if err != nil || c.EdgeURL != "" {
		return err
	}
	p.AddTask(func(ctx context.Context) error {
		edge, err := beside.Edge(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // the process stops
			}
			return err
		}
		pages.SetEdge(edge.URL)
		c.Log.Info("the pages are ready", "url", "http://"+p.Addr("web"))
		return nil
	})
	return nil
}
