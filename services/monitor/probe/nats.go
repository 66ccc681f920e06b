package probe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func (c *NATS) run(ctx context.Context, p *Prober) Finding {
	if c.URL == "" {
		var conn *nats.Conn
		if p.env.NATS != nil {
			conn = p.env.NATS()
		}
		if conn == nil {
			return unknown("this process has no connection to NATS: set url")
		}
		if !conn.IsConnected() {
			return failed("not connected: %s", conn.Status())
		}
		return c.judge(ctx, conn, p.guard.Dialer.DialContext)
	}
	if u, err := url.Parse(c.URL); err == nil && isMonitoring(u) {
		return c.runMonitoring(ctx, p)
	}
	conn, err := c.dial(ctx, p)
	if err != nil {
		return failed("%s", reason(err))
	}
	defer conn.Close()
	return c.judge(ctx, conn, p.guard.DialContext)
}

// dial connects to one of the servers.
func (c *NATS) dial(ctx context.Context, p *Prober) (*nats.Conn, error) {
	dialer := &natsDialer{ctx: ctx, p: p}
	options := []nats.Option{
		nats.Name("bongsu-monitor"), nats.NoReconnect(), nats.SetCustomDialer(dialer),
		func(o *nats.Options) error { o.TLSConfig = p.tlsConfig("", false); return nil },
	}
	if deadline, ok := ctx.Deadline(); ok {
		options = append(options, nats.Timeout(time.Until(deadline)))
	}
	if c.Credentials != "" {
		options = append(options, nats.UserCredentialBytes([]byte(c.Credentials)))
	}
	conn, err := nats.Connect(c.URL, options...)
	if errors.Is(err, nats.ErrNoServers) && dialer.err != nil { // the library drops it
		err = dialer.err
	}
	return conn, err
}

// A natsDialer opens the connections of a check. They are closed when its context ends.
type natsDialer struct {
	ctx context.Context //nolint:containedctx // the interface has no parameter for it
	p   *Prober
	err error // of the last connection
}

// Dial opens a connection.
func (d *natsDialer) Dial(network, address string) (net.Conn, error) {
	conn, err := d.p.guard.DialContext(d.ctx, network, address)
	if d.err = err; err == nil {
		context.AfterFunc(d.ctx, func() { _ = conn.Close() })
	}
	return conn, err
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// judge returns the finding of a cluster.
func (c *NATS) judge(ctx context.Context, conn *nats.Conn, dial dialFunc) Finding {
	var m measures
	if c.Servers > 0 {
		count := len(liveServers(ctx, conn, dial))
		m.add("servers:", float64(count), "", float64(c.Servers), count < c.Servers)
	}
	if c.Stream != "" {
		if f := c.judgeStream(ctx, conn, &m); f.Outcome != Passed {
			return f
		}
	}
	if !m.has {
		return passed("connected")
	}
	return m.finding()
}

// liveServers returns the ids of the servers of a cluster that send their INFO.
func liveServers(ctx context.Context, conn *nats.Conn, dial dialFunc) map[string]bool {
	ids := map[string]bool{conn.ConnectedServerId(): true}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, server := range conn.Servers() {
		u, err := url.Parse(server)
		if err != nil || u.Port() == "" {
			continue
		}
		all.Go(func() {
			if id, err := serverID(ctx, dial, u.Host); err == nil {
				mu.Lock()
				defer mu.Unlock()
				ids[id] = true
			}
		})
	}
	all.Wait()
	return ids
}

// infoWait is how long a check waits for the INFO of another server.
const infoWait = 2 * time.Second

// serverID returns the id that a server sends first.
func serverID(ctx context.Context, dial dialFunc, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, infoWait)
	defer cancel()
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	line, err := bufio.NewReader(io.LimitReader(conn, maxReceived)).ReadString('\n')
	if err != nil {
		return "", err
	}
	return parseInfo(line)
}

// parseInfo returns the id in a line INFO {…}.
func parseInfo(line string) (string, error) {
	var info struct {
		ID string `json:"server_id"`
	}
	text, ok := strings.CutPrefix(line, "INFO ")
	if err := json.Unmarshal([]byte(text), &info); !ok || err != nil || info.ID == "" {
		return "", errors.New("not a NATS server")
	}
	return info.ID, nil
}

// judgeStream adds the values of the stream and the consumer.
func (c *NATS) judgeStream(ctx context.Context, conn *nats.Conn, m *measures) Finding {
	js, err := jetstream.New(conn)
	if err != nil {
		return unknown("%s", reason(err))
	}
	stream, err := js.Stream(ctx, c.Stream)
	if err != nil {
		return failed("stream %s: %s", c.Stream, reason(err))
	}
	info := stream.CachedInfo()
	if f := c.judgeReplicas(info.Config.Replicas, clusterOf(info.Cluster)); f.Outcome != Passed {
		return f
	}
	if c.Consumer == "" {
		return passed("")
	}
	consumer, err := stream.Consumer(ctx, c.Consumer)
	if err != nil {
		return failed("consumer %s: %s", c.Consumer, reason(err))
	}
	c.addLag(consumer.CachedInfo().NumPending, m)
	return passed("")
}

// addLag adds the number of messages that wait for the consumer.
func (c *NATS) addLag(pending uint64, m *measures) {
	m.add("messages that wait:", float64(pending), "", float64(c.MaxLag), c.MaxLag > 0 && pending > uint64(c.MaxLag))
}

// A streamCluster is the servers of a stream.
type streamCluster struct {
	Leader   string          `json:"leader"`
	Replicas []streamReplica `json:"replicas"` // without the leader
}

// A streamReplica is a copy of a stream.
type streamReplica struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
	Offline bool   `json:"offline"`
	Lag     uint64 `json:"lag"`
}

// clusterOf returns the servers of a stream; nil without a cluster.
func clusterOf(info *jetstream.ClusterInfo) *streamCluster {
	if info == nil {
		return nil
	}
	cluster := &streamCluster{Leader: info.Leader}
	for _, r := range info.Replicas {
		cluster.Replicas = append(cluster.Replicas, streamReplica{r.Name, r.Current, r.Offline, r.Lag})
	}
	return cluster
}

// knownBy returns the servers by the view of one server: a follower sees whether it receives messages of the leader, and
// who is offline, but not whether other followers are in sync.
func (s *streamCluster) knownBy(server string) *streamCluster {
	if s == nil || s.Leader == server {
		return s
	}
	known := &streamCluster{Leader: s.Leader}
	for _, r := range s.Replicas {
		r.Current = r.Current || r.Name != s.Leader
		known.Replicas = append(known.Replicas, r)
	}
	return known
}

// judgeReplicas returns Passed if a stream has a leader, and all its replicas are in sync.
func (c *NATS) judgeReplicas(configured int, cluster *streamCluster) Finding {
	if cluster == nil { // one server, which has answered
		return passed("")
	}
	if cluster.Leader == "" {
		return failed("stream %s has no leader", c.Stream)
	}
	for _, r := range cluster.Replicas {
		switch {
		case r.Offline:
			return failed("stream %s: replica %s is offline", c.Stream, r.Name)
		case !r.Current:
			return failed("stream %s: replica %s is not in sync, by %d operations", c.Stream, r.Name, r.Lag)
		}
	}
	if has := len(cluster.Replicas) + 1; has < configured {
		return failed("stream %s has %d of %d replicas", c.Stream, has, configured)
	}
	return passed("")
}
