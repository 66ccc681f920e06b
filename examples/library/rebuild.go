package main

import (
	"context"
	"errors"

	"github.com/bongsu-project/bongsu/examples/library/mypage"
	"github.com/bongsu-project/bongsu/kit/process"
)

// rebuildCmd makes the view of mypage anew.
type rebuildCmd struct {
	Replicas int `default:"1" help:"The number of NATS servers that store the view."`

	process.Config
}

// Run rebuilds the view.
func (c *rebuildCmd) Run(ctx context.Context) (err error) {
	c.Name = "library-rebuild"
	if c.NATSURL == "" {
		return errors.New("set --nats-url: the NATS server that has the events")
	}
	p, err := process.New(ctx, c.Config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	events, err := mypage.Rebuild(ctx, p.NATS(), c.Replicas)
	if err == nil {
		p.Log().Info("view rebuilt", "events", events)
	}
	return err
}
