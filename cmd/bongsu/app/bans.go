package app

import (
	"context"
	"net/netip"
	"time"

	"github.com/bongsu-project/bongsu/internal/ban"
)

// bannedAddresses are the bans of this process, with their number.
type bannedAddresses interface {
	Find(addr netip.Addr) (ban.Ban, bool)
	Add(addr netip.Addr, duration time.Duration) (ban.Ban, bool)
	List(ctx context.Context) ([]ban.Ban, error)
	Lift(ctx context.Context, addr netip.Addr) error
	Len() int
}

// openBans returns the bans of the edge. With --nats-url it shares them with all edges that use
// the same servers.
func (b *builder) openBans() (bannedAddresses, error) {
	if b.config.NATSURL == "" {
		return ban.NewMemory(b.config.Now), nil
	}
	conn, err := b.dialNATS()
	if err != nil {
		return nil, err
	}
	b.closeLater("the bans", func() error { conn.Close(); return nil })
	bucket, err := ban.NewBucket(conn, ban.Options{Replicas: b.config.replicas(), Now: b.config.Now, Log: b.log})
	if err != nil {
		return nil, err
	}
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], bucket.Run)
	return bucket, nil
}
