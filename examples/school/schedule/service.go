package schedule

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/gen/go/school/schedule/v1/schedulev1connect"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// A Config holds the settings of the service.
type Config struct {
	DatabaseURL string
	Source      TimetableSource
}

// AddTo adds the service to a process.
func AddTo(ctx context.Context, p *process.Process, js jetstream.JetStream, c Config) error {
	store, err := event.Open(ctx, p, js, "schedule", c.DatabaseURL, Schema, map[string]event.Handle{
		people.Approved: people.Store, people.Changed: people.Store,
	})
	if err != nil {
		return err
	}
	s := &Store{store.DB}
	h := &Handler{store: s, source: c.Source, log: p.Log()}
	return p.Add(ctx, process.Service{
		Name:     "schedule",
		Services: []rpc.Service{rpc.Public(p.RPC(), schedulev1connect.NewScheduleServiceHandler, schedulev1connect.ScheduleServiceHandler(h))},
		Streams:  store.Streams,
		Ready:    store.DB.Ping,
		Tasks:    store.Tasks,
		Close:    store.DB.Close,
	})
}
