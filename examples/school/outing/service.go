package outing

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/gen/go/school/outing/v1/outingv1connect"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// A Config holds the settings of the service.
type Config struct {
	DatabaseURL string
	LinkTo      string // the URL before the text of a link
}

// AddTo adds the service to a process.
func AddTo(ctx context.Context, p *process.Process, js jetstream.JetStream, c Config) error {
	store, err := event.Open(ctx, p, js, "outing", c.DatabaseURL, Schema, map[string]event.Handle{
		people.Approved: people.Store, people.Changed: people.Store,
	})
	if err != nil {
		return err
	}
	s := &Store{db: store.DB, outbox: store.Outbox, linkTo: c.LinkTo, now: time.Now}
	h := &Handler{store: s, now: time.Now}
	return p.Add(ctx, process.Service{
		Name:     "outing",
		Services: []rpc.Service{rpc.Public(p.RPC(), outingv1connect.NewOutingServiceHandler, outingv1connect.OutingServiceHandler(h))},
		Streams:  store.Streams,
		Ready:    store.DB.Ping,
		Tasks:    append(store.Tasks, func(ctx context.Context) error { return s.expire(ctx, p.Log()) }),
		Close:    store.DB.Close,
	})
}

const (
	expireInterval = 5 * time.Second // between two looks for outings whose end has passed
	expireBatch    = 100
)

// expire ends outings whose end has passed, until ctx ends.
func (s *Store) expire(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(expireInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if _, err := s.Expire(ctx, expireBatch); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "outings not expired; trying again", "error", err)
		}
	}
}
