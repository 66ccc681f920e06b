package probe

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsServer returns a running NATS server.
func natsServer(t *testing.T, o *server.Options) *server.Server {
	t.Helper()
	o.NoSigs, o.NoLog, o.JetStream, o.StoreDir = true, true, true, t.TempDir()
	o.Host, o.Port, o.HTTPHost, o.HTTPPort = "127.0.0.1", -1, "127.0.0.1", -1
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("NATS is not ready")
	}
	return s
}

// natsCluster returns a cluster of three servers.
func natsCluster(t *testing.T) []*server.Server {
	t.Helper()
	var routes []string
	for range 3 {
		routes = append(routes, "nats://"+closedPort(t))
	}
	var servers []*server.Server
	for i := range 3 {
		_, port, err := net.SplitHostPort(strings.TrimPrefix(routes[i], "nats://"))
		if err != nil {
			t.Fatal(err)
		}
		var number int
		if _, err := fmt.Sscan(port, &number); err != nil {
			t.Fatal(err)
		}
		servers = append(servers, natsServer(t, &server.Options{
			ServerName: fmt.Sprint("n", i), Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: number},
			Routes: server.RoutesFromStr(strings.Join(routes, ",")),
		}))
	}
	return servers
}

// jetStream returns a client, once a stream could be created.
func jetStream(t *testing.T, at, name string, replicas int) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	conn, err := nats.Connect(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	until(t, func() bool {
		_, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Replicas: replicas})
		return err == nil
	})
	return conn, js
}

// until waits until a condition is true.
func until(t *testing.T, condition func() bool) {
	t.Helper()
	ticker, timeout := time.NewTicker(20*time.Millisecond), time.After(30*time.Second)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatal("condition is not true within 30 s")
		}
	}
}

func TestNATS(t *testing.T) {
	s := natsServer(t, &server.Options{})
	conn, js := jetStream(t, s.ClientURL(), "EVENTS", 1)
	consumer, err := js.CreateOrUpdateConsumer(t.Context(), "EVENTS", jetstream.ConsumerConfig{Durable: "work", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := js.Publish(t.Context(), "EVENTS.a", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, func() bool { // a publish is acknowledged before consumers count it
		info, err := consumer.Info(t.Context())
		return err == nil && info.NumPending == 5
	})
	own := New(Env{NATS: func() *nats.Conn { return conn }})
	monitoring := "http://" + s.MonitorAddr().String()
	for name, c := range map[string]struct {
		check   NATS
		outcome Outcome
		message string
	}{
		"connects":        {NATS{}, Passed, ""},
		"servers":         {NATS{Servers: 1}, Passed, "servers: 1"},
		"too few servers": {NATS{Servers: 2}, Failed, "servers: 1, below 2"},
		"stream":          {NATS{Stream: "EVENTS"}, Passed, ""},
		"no stream":       {NATS{Stream: "OTHER"}, Failed, "stream OTHER"},
		"consumer":        {NATS{Stream: "EVENTS", Consumer: "work"}, Passed, "messages that wait: 5"},
		"lag":             {NATS{Stream: "EVENTS", Consumer: "work", MaxLag: 4}, Failed, "messages that wait: 5, above 4"},
		"no lag":          {NATS{Stream: "EVENTS", Consumer: "work", MaxLag: 5}, Passed, "messages that wait: 5"},
		"no consumer":     {NATS{Stream: "EVENTS", Consumer: "other"}, Failed, "consumer other"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, run(t, own, &c.check), c.outcome, c.message)
			c.check.URL = s.ClientURL()
			want(t, run(t, private(), &c.check), c.outcome, c.message)
			c.check.URL = monitoring
			message := strings.Replace(c.message, "stream OTHER", "no replica of stream OTHER", 1)
			want(t, run(t, private(), &c.check), c.outcome, message)
		})
	}
	conn.Close()
	want(t, run(t, own, &NATS{}), Failed, "not connected: CLOSED")
	want(t, run(t, New(Env{}), &NATS{}), Unknown, "no connection to NATS")
	want(t, run(t, New(Env{}), &NATS{URL: s.ClientURL()}), Failed, "refused: the address")
	want(t, run(t, private(), &NATS{URL: serve(t, respond(200, "text"))}), Failed, "invalid response of /varz")
}

// TestNATSNodeLost verifies that a lost server is seen in the count and in the replicas of a stream, by the
// client port and by the monitoring port.
func TestNATSNodeLost(t *testing.T) {
	servers := natsCluster(t)
	conn, _ := jetStream(t, servers[0].ClientURL(), "EVENTS", 3)
	own := New(Env{NATS: func() *nats.Conn { return conn }})
	by := map[string]func(NATS) Finding{
		"own":    func(c NATS) Finding { return run(t, own, &c) },
		"client": func(c NATS) Finding { c.URL = servers[0].ClientURL(); return run(t, private(), &c) },
		"monitoring": func(c NATS) Finding {
			c.URL = "http://" + servers[0].MonitorAddr().String()
			return run(t, private(), &c)
		},
	}
	for name, check := range by {
		until(t, func() bool { return check(NATS{Servers: 3, Stream: "EVENTS"}).Outcome == Passed })
		want(t, check(NATS{Servers: 4}), Failed, "servers: 3, below 4")
		t.Log(name, "sees three servers")
	}
	servers[2].Shutdown()
	servers[2].WaitForShutdown()
	for name, check := range by {
		until(t, func() bool { return check(NATS{Servers: 3}).Message == "servers: 2, below 3" })
		until(t, func() bool {
			f := check(NATS{Stream: "EVENTS"})
			return f.Outcome == Failed && strings.Contains(f.Message, "replica n2")
		})
		t.Log(name, "sees that one is lost")
	}
}

// TestReplicas verifies which states of a stream are failures, and what a follower knows.
func TestReplicas(t *testing.T) {
	synced, behind, offline := streamReplica{Name: "a", Current: true}, streamReplica{Name: "b", Lag: 7}, streamReplica{Name: "c", Offline: true}
	c := &NATS{Stream: "EVENTS"}
	for name, s := range map[string]struct {
		cluster *streamCluster
		outcome Outcome
		message string
	}{
		"alone":                 {nil, Passed, ""},
		"in sync":               {&streamCluster{"l", []streamReplica{synced, synced}}, Passed, ""},
		"no leader":             {&streamCluster{"", []streamReplica{synced, synced}}, Failed, "has no leader"},
		"not in sync":           {&streamCluster{"l", []streamReplica{synced, behind}}, Failed, "replica b is not in sync, by 7 operations"},
		"offline":               {&streamCluster{"l", []streamReplica{synced, offline}}, Failed, "replica c is offline"},
		"too few":               {&streamCluster{"l", []streamReplica{synced}}, Failed, "has 2 of 3 replicas"},
		"known by the leader":   {(&streamCluster{"l", []streamReplica{synced, behind}}).knownBy("l"), Failed, "replica b is not in sync"},
		"known by a follower":   {(&streamCluster{"a", []streamReplica{synced, behind}}).knownBy("f"), Passed, ""},
		"leader not heard":      {(&streamCluster{"b", []streamReplica{synced, behind}}).knownBy("f"), Failed, "replica b is not in sync"},
		"offline to a follower": {(&streamCluster{"a", []streamReplica{synced, offline}}).knownBy("f"), Failed, "replica c is offline"},
	} {
		t.Run(name, func(t *testing.T) { want(t, c.judgeReplicas(3, s.cluster), s.outcome, s.message) })
	}
}

func FuzzParseInfo(f *testing.F) {
	f.Add(`INFO {"server_id":"A"}`)
	f.Add("INFO {")
	f.Add("-ERR 'x'")
	f.Fuzz(func(t *testing.T, line string) {
		if id, err := parseInfo(line); (id == "") != (err != nil) || err == nil && !strings.HasPrefix(line, "INFO ") {
			t.Errorf("%q: %q, %v", line, id, err)
		}
	})
}
