package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/bongsu-project/bongsu/test/proc"
)

// natsServers is the number of NATS servers: one may be away.
const natsServers = 3

// natsSettings let the servers notice within seconds that one is cut off: by default they do after
// some minutes, and until then send it requests. docs/operate.md recommends them.
const natsSettings = `
ping_interval: "2s"
ping_max: 2
cluster { ping_interval: "2s", ping_max: 2 }
`

// startNATS starts NATS servers that are one cluster.
func (c *cluster) startNATS(t *testing.T) {
	t.Helper()
	var routes []string
	for number := 1; number <= natsServers; number++ {
		p := &process{node: newNode(t), kind: "nats", name: fmt.Sprintf("nats%d", number), number: number}
		client, route := strconv.Itoa(proc.Port(t)), net.JoinHostPort(p.address, strconv.Itoa(proc.Port(t)))
		p.url = "nats://" + net.JoinHostPort(p.address, client)
		routes = append(routes, "nats://"+route)
		folder, settings := t.TempDir(), filepath.Join(t.TempDir(), "nats.conf")
		must(t, os.WriteFile(settings, []byte(natsSettings), 0o600))
		p.command = func(string) *exec.Cmd {
			return exec.Command(binaries.NATSServer, "--config", settings, "--addr", p.address, "--port", client, "--name", p.name, "--jetstream", "--store_dir", folder,
				"--cluster_name", "bongsu", "--cluster", "nats://"+route, "--routes", strings.Join(routes, ","))
		}
		p.listening = func(t *testing.T, running *proc.Process) {
			running.Await(t, regexp.MustCompile(`Listening for client connections on `+regexp.QuoteMeta(p.address)), 1)
		}
		c.nats = append(c.nats, p)
	}
	for _, p := range c.nats {
		p.start(t)
	}
	js := jetStream(t, c.nats)
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	for {
		if hasLeader(ctx, js) {
			return
		}
		wait(ctx, 50*time.Millisecond)
		if ctx.Err() != nil {
			t.Fatal("the NATS servers have no leader")
		}
	}
}

// hasLeader reports whether the NATS cluster has a leader: without one, no server responds.
func hasLeader(ctx context.Context, js jetstream.JetStream) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := js.AccountInfo(ctx)
	return err == nil
}

// jetStream returns a client of some NATS servers.
func jetStream(t *testing.T, of []*process) jetstream.JetStream {
	t.Helper()
	var servers []string
	for _, p := range of {
		servers = append(servers, p.url)
	}
	conn, err := nats.Connect(strings.Join(servers, ","), nats.MaxReconnects(-1))
	must(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	must(t, err)
	return js
}

// jobs is the stream of jobs.
const jobs = "BONGSU_JOBS"

// leader returns the NATS server that leads the stream of jobs, which has a replica on each.
func (c *cluster) leader(t *testing.T) *process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
	defer cancel()
	stream, err := jetStream(t, c.nats).Stream(ctx, jobs)
	must(t, err)
	info := stream.CachedInfo()
	if info.Config.Replicas != natsServers || info.Cluster == nil {
		t.Fatalf("the stream of jobs has %d replicas, want %d", info.Config.Replicas, natsServers)
	}
	found := slices.IndexFunc(c.nats, func(p *process) bool { return p.name == info.Cluster.Leader })
	if found < 0 {
		t.Fatalf("the stream of jobs is led by %q", info.Cluster.Leader)
	}
	return c.nats[found]
}

// loseLeader makes a fault of the NATS server that leads the stream of jobs, and records when the
// others have elected another.
func (o *outage) loseLeader(t *testing.T, c *cluster, do func(*testing.T, *process)) {
	t.Helper()
	lost := c.leader(t)
	others := slices.DeleteFunc(slices.Clone(c.nats), func(p *process) bool { return p == lost })
	before := elections(others)
	ctx, cancel := context.WithTimeout(t.Context(), maxRecovery)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for elections(others) == before && ctx.Err() == nil {
			wait(ctx, 50*time.Millisecond)
		}
		if ctx.Err() == nil {
			o.elected = time.Now()
		}
	}()
	do(t, lost)
	<-ended
}

var newLeader = regexp.MustCompile("new (JetStream cluster )?stream leader for '\\$G > " + jobs + "'")

// elections returns how often NATS servers logged another leader of the stream of jobs.
func elections(of []*process) (n int) {
	for _, p := range of {
		n += len(newLeader.FindAllStringIndex(p.Log(), -1))
	}
	return n
}
