package announcement

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/examples/school/event"
	"github.com/bongsu-project/bongsu/examples/school/people"
	"github.com/bongsu-project/bongsu/gen/go/school/announcement/v1/announcementv1connect"
	"github.com/bongsu-project/bongsu/kit/process"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// A Config holds the settings of the service.
type Config struct {
	DatabaseURL string
}

// AddTo adds the service to a process.
func AddTo(ctx context.Context, p *process.Process, js jetstream.JetStream, c Config) error {
	store, err := event.Open(ctx, p, js, "announcement", c.DatabaseURL, Schema, map[string]event.Handle{
		people.Approved: people.Store, people.Changed: people.Store,
		"school.club.created": StoreClub, "school.club.changed": StoreClub, "school.club.deleted": StoreClub,
	})
	if err != nil {
		return err
	}
	s := &Store{store.DB, store.Outbox}
	h := &Handler{store: s, now: time.Now}
	return p.Add(ctx, process.Service{
		Name:     "announcement",
		Services: []rpc.Service{rpc.Public(p.RPC(), announcementv1connect.NewAnnouncementServiceHandler, announcementv1connect.AnnouncementServiceHandler(h))},
		Streams:  store.Streams,
		Ready:    store.DB.Ping,
		Tasks:    store.Tasks,
		Close:    store.DB.Close,
	})
}
