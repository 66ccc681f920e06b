package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// stuckAfter is how long the lease of a delivery must have expired before the delivery counts as
// stuck: the sweep ends leases within seconds.
const stuckAfter = time.Minute

// maxDeadLetters is the maximum number of dead letters that are counted.
const maxDeadLetters = 1000

// systemValues returns the values of Bongsu itself that this process can read.
func (b *builder) systemValues() map[probe.SystemValue]func(context.Context) (float64, error) {
	values := map[probe.SystemValue]func(context.Context) (float64, error){
		probe.DeadLetters: b.countDeadLetters,
		probe.DiskUse:     func(ctx context.Context) (float64, error) { return probe.DiskPercent(ctx, b.config.Data) },
	}
	if b.natsConn() != nil {
		values[probe.QueueProblems] = func(ctx context.Context) (float64, error) { return countQueueProblems(ctx, b.natsConn()) }
	}
	if store := b.ledger; store != nil {
		values[probe.OldestDue] = func(ctx context.Context) (float64, error) { return b.oldestDue(ctx, store) }
		values[probe.StuckDeliveries] = func(ctx context.Context) (float64, error) {
			n, err := store.CountStuck(ctx, b.config.Now().Add(-stuckAfter))
			return float64(n), err
		}
		values[probe.LedgerLatency] = func(ctx context.Context) (float64, error) {
			start := time.Now()
			err := store.Touch(ctx, start)
			return time.Since(start).Seconds(), err
		}
	}
	if b.config.Edge.TLSCert != "" && b.config.has(Edge) {
		values[probe.CertificateDays] = func(context.Context) (float64, error) {
			return certificateDays(b.config.Edge.TLSCert, b.config.Edge.TLSKey, b.config.Now())
		}
	}
	if b.config.SealKey == "" && b.hasSealKey() {
		values[probe.SealKeyAge] = func(context.Context) (float64, error) { return fileDays(b.sealKeyPath(), b.config.Now()) }
	}
	return values
}

// oldestDue returns for how many seconds a delivery has been due.
func (b *builder) oldestDue(ctx context.Context, store *ledger.Store) (float64, error) {
	now := b.config.Now()
	due, err := store.OldestDue(ctx, now)
	if err != nil || due.IsZero() {
		return 0, err
	}
	return max(now.Sub(due), 0).Seconds(), nil
}

// countDeadLetters returns the number of dead letters, up to maxDeadLetters.
func (b *builder) countDeadLetters(ctx context.Context) (float64, error) {
	res, err := b.events.ListDeadLetters(ctx, &eventv1.ListDeadLettersRequest{PageSize: maxDeadLetters})
	return float64(len(res.GetDeadLetters())), err
}

// countQueueProblems returns the number of the streams of Bongsu that have no leader, or a replica
// that is not in sync.
func countQueueProblems(ctx context.Context, conn *nats.Conn) (float64, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, fmt.Errorf("open JetStream: %w", err)
	}
	problems := 0
	streams := js.ListStreams(ctx)
	for info := range streams.Info() {
		name := strings.TrimPrefix(info.Config.Name, "KV_")
		if !strings.HasPrefix(name, "BONGSU_") || info.Cluster == nil {
			continue
		}
		broken := info.Cluster.Leader == ""
		for _, replica := range info.Cluster.Replicas {
			broken = broken || replica.Offline || !replica.Current
		}
		if broken {
			problems++
		}
	}
	return float64(problems), streams.Err()
}

// certificateDays returns the days until a certificate expires.
func certificateDays(certFile, keyFile string, now time.Time) (float64, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return 0, errors.New("the files of --tls-cert and --tls-key cannot be read")
	}
	return pair.Leaf.NotAfter.Sub(now).Hours() / 24, nil
}

// fileDays returns the days since a file was last changed: a key is added to the seal key file, or
// removed from it, when it is rotated.
func fileDays(path string, now time.Time) (float64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return max(now.Sub(info.ModTime()), 0).Hours() / 24, nil
}
