package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	eventv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/event/v1/eventv1connect"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/monitor/v1/monitorv1connect"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/monitor"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// stuckAfter is how long the lease of a delivery must have expired before the delivery counts as
// stuck: the sweep ends leases within seconds.
const stuckAfter = time.Minute

// maxDeadLetters is the maximum number of dead letters that are counted.
const maxDeadLetters = 1000

// localValues returns the values of Bongsu itself that this process has.
func (b *builder) localValues() probe.LocalValues {
	values := probe.LocalValues{
		probe.DiskUse: func(ctx context.Context) (float64, error) { return probe.DiskPercent(ctx, b.config.Data) },
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

// valueSources returns the processes that may have a value: this one, and those of the registry. The
// dead letters and the queue are those of all processes; they are read in this one if it can.
func (b *builder) valueSources(v probe.SystemValue) []monitor.ValueSource {
	var sources []monitor.ValueSource
	if v == probe.DeadLetters {
		if b.config.has(Event) || b.balancer.Ready(eventv1connect.EventServiceName) == nil {
			sources = []monitor.ValueSource{{Certain: true, Read: b.countDeadLetters}}
		}
		return sources
	}
	if read := b.localValues()[v]; read != nil {
		sources = []monitor.ValueSource{{Certain: true, Read: read}}
		if v == probe.QueueProblems {
			return sources
		}
	}
	own := slices.Collect(maps.Values(b.instanceIDs))
	for _, instance := range b.balancer.Instances() {
		if instance.State == discovery.Draining || slices.Contains(own, instance.ID) {
			continue
		}
		if source, ok := b.remoteSource(v, instance); ok {
			sources = append(sources, source)
		}
	}
	return sources
}

// remoteSource returns a value in another process. An edge has no port for other processes, so that its
// certificate is that which it presents to callers.
func (b *builder) remoteSource(v probe.SystemValue, instance discovery.Instance) (monitor.ValueSource, bool) {
	if v == probe.CertificateDays {
		address, secure := strings.CutPrefix(instance.URL, "https://")
		return monitor.ValueSource{Instance: instance.ID, Certain: true, Read: func(ctx context.Context) (float64, error) {
			return presentedDays(ctx, address, b.config.Now())
		}}, secure && instance.Name == Edge
	}
	client := monitor.SystemValueClient{
		Service: monitorv1connect.NewSystemValueServiceClient(b.peerClient, instance.URL, b.clientOptions(instance.Name)),
	}
	return monitor.ValueSource{Instance: instance.ID, Read: func(ctx context.Context) (float64, error) {
		return client.Read(ctx, v)
	}}, slices.Contains(instance.Services, monitorv1connect.SystemValueServiceName)
}

// valuePort returns the service on whose port this process serves its values to monitor services in
// other processes: one port, so that they are read once. Empty means none.
func (c Config) valuePort() string {
	if c.has(Alert) && c.addr(Alert) != "" { // that of --alert-url
		return Alert
	}
	for _, s := range services {
		if c.has(s.name) && s.name != Edge && s.name != Mockup && c.addr(s.name) != "" {
			return s.name
		}
	}
	return ""
}

// valueService returns the service of the values of this process.
func (b *builder) valueService() rpc.Service {
	handler := &monitor.SystemValueHandler{Values: b.localValues}
	return rpc.Internal(b.rpc, monitorv1connect.NewSystemValueServiceHandler, monitorv1connect.SystemValueServiceHandler(handler))
}

// presentedDays returns the days until the certificate expires that a server presents. It is not
// verified: it is for the names that callers use.
func presentedDays(ctx context.Context, address string, now time.Time) (float64, error) {
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // it sends nothing
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, fmt.Errorf("%w: %s", probe.ErrUnreachable, probe.Reason(err))
	}
	defer conn.Close()
	secure, ok := conn.(*tls.Conn)
	if !ok || len(secure.ConnectionState().PeerCertificates) == 0 {
		return 0, errors.New("the server presented no certificate")
	}
	return secure.ConnectionState().PeerCertificates[0].NotAfter.Sub(now).Hours() / 24, nil
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
