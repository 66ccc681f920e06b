package discovery_test

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/discoverytest"
)

// TestLostLeader takes the leader of the bucket from a cluster of three brokers.
func TestLostLeader(t *testing.T) {
	if testing.Short() {
		t.Skip("an election takes seconds")
	}
	servers := startCluster(t)
	leader := func() int {
		for i, s := range servers {
			if s.Running() && s.JetStreamIsStreamLeader("$G", "KV_BONGSU_INSTANCES") {
				return i
			}
		}
		return -1
	}
	first := openBucket(t, &link{server: servers[0]}, nil, nil) // creates the bucket with one replica
	discoverytest.Run(t, first)
	discoverytest.Watch(t, first).UntilIDs(t)
	conn := connect(t, &link{server: servers[0]})
	raising, err := discovery.OpenBucket(conn, discovery.Options{Replicas: 3, Log: slog.New(slog.DiscardHandler)})
	kittest.NoError(t, err)
	discoverytest.Run(t, raising)
	js := openJetStream(t, &link{server: servers[0]})
	until(t, func() bool {
		stream, err := js.Stream(t.Context(), "KV_BONGSU_INSTANCES")
		if err != nil || leader() < 0 {
			return false
		}
		info := stream.CachedInfo()
		if info.Config.Replicas != 3 || info.Cluster == nil || len(info.Cluster.Replicas) != 2 {
			return false
		}
		return info.Cluster.Replicas[0].Current && info.Cluster.Replicas[1].Current
	})

	lost := leader()
	way := &link{server: servers[(lost+1)%len(servers)]}
	watching, alive := follower(t, way), registrant(t, way, "alive")
	watcher := discoverytest.Watch(t, watching)
	killed := registrant(t, way, "killed")
	killed.settle(t)
	watcher.UntilIDs(t, "alive", "killed")

	servers[lost].Shutdown()
	servers[lost].WaitForShutdown()
	if !healed(t, watching, killedIsGone(t, watching), 60, alive) {
		t.Error("instance of a killed process is listed after the bucket has lost its leader")
	}
	aliveKept(t, watcher)
	late := registrant(t, way, "late")
	listed := func() bool { return lists(t, watching, "late") }
	if !healed(t, watching, listed, 30, alive, late) {
		t.Error("instance is not listed that was registered after the bucket has lost its leader")
	}
}

// startCluster starts a cluster of three brokers.
func startCluster(t *testing.T) []*server.Server {
	t.Helper()
	var ports []int
	var routes []string
	var config net.ListenConfig
	for range 3 { // another process may take the port meanwhile, which makes the start fail
		l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
		kittest.NoError(t, err)
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		routes = append(routes, "nats://"+l.Addr().String())
		kittest.NoError(t, l.Close())
	}
	var servers []*server.Server
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(),
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),
		})
		kittest.NoError(t, err)
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		servers = append(servers, s)
	}
	until(t, func() bool {
		leaders := 0
		for _, s := range servers {
			if s.JetStreamIsLeader() {
				leaders++
			}
			if !s.JetStreamIsCurrent() || s.NumRoutes() == 0 {
				return false
			}
		}
		return leaders == 1
	})
	return servers
}

// until waits until a condition is true, which it checks again and again.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(patience)
	for !condition() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("condition is not true within %s", patience)
		}
	}
}
