package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/grpchealth"
	"github.com/nats-io/nats.go"

	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/discovery"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
	"github.com/bongsu-project/bongsu/services/edge"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// builtIn returns the states of the built-in monitors whose names begin with a prefix.
func (c inboxCaller) builtIn(prefix string) map[string]string {
	c.t.Helper()
	states := map[string]string{}
	all, _ := c.must("GET", "/v1/monitors?pageSize=500&prefix="+prefix, "")["monitors"].([]any)
	for _, m := range all {
		status := m.(map[string]any)["status"].(map[string]any)
		states[status["name"].(string)] = strings.TrimPrefix(status["state"].(string), "MONITOR_STATE_")
	}
	return states
}

// TestBuiltInMonitors checks that Bongsu watches itself: each value has a monitor that passes, which
// cannot be deleted, of which the limit can be set, and whose change reaches the watchdog.
func TestBuiltInMonitors(t *testing.T) {
	posted := make(chan map[string]any, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fields := map[string]any{}
		if len(body) > 0 {
			if err := json.Unmarshal(body, &fields); err != nil {
				t.Error(err)
			}
		}
		fields["path"] = r.URL.Path
		posted <- fields
	}))
	defer other.Close()
	c := runMonitored(t, func(t *testing.T) *App {
		return runApp(t, Config{Log: slog.New(slog.DiscardHandler), Monitor: monitor.Config{WatchdogWebhook: other.URL + "/webhook", WatchdogHeartbeat: other.URL + "/heartbeat"}})
	})
	kittest.Equal(t, (<-posted)["path"], any("/heartbeat"))
	awaitThat(t, "each value passes", func() bool {
		states := c.builtIn("bongsu.")
		for _, name := range []string{"oldest-due", "stuck-deliveries", "dead-letters", "queue", "ledger-latency", "disk", "seal-key-age"} {
			if states["bongsu."+name] != "UP" {
				return false
			}
		}
		return true
	})
	status, _ := c.call("DELETE", "/v1/monitors/bongsu.disk", "")
	kittest.Equal(t, status, http.StatusBadRequest)
	status, _ = c.call("PUT", "/v1/monitors/bongsu.disk", `{"tcp":{"address":"example.com:1"}}`)
	kittest.Equal(t, status, http.StatusBadRequest)
	status, _ = c.call("POST", "/v1/monitors", `{"name":"bongsu.mine","tcp":{"address":"example.com:1"}}`)
	kittest.Equal(t, status, http.StatusBadRequest)
	c.must("PUT", "/v1/monitors/bongsu.disk", `{"interval":"1s","failures":1,"recoveries":1,"system":{"value":"SYSTEM_VALUE_DISK","limit":0.0001}}`)
	change := <-posted
	kittest.Equal(t, [4]any{change["path"], change["monitor"], change["state"], change["source"]}, [4]any{"/webhook", "bongsu.disk", "down", "bongsu"})
	c.must("PUT", "/v1/monitors/bongsu.disk", `{"interval":"1s","failures":1,"recoveries":1,"system":{"value":"SYSTEM_VALUE_DISK","limit":100}}`)
	change = <-posted
	kittest.Equal(t, [2]any{change["monitor"], change["state"]}, [2]any{"bongsu.disk", "up"})
}

// TestInstanceMonitors checks that each registered instance has a monitor, that one whose health
// service does not answer is failing for all processes, and that it serves again when it answers.
func TestInstanceMonitors(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	url, key := startNATS(t), filepath.Join(t.TempDir(), "seal.key")
	kittest.NoError(t, sealkey.Format.CreateKeyFile(key))
	c := runMonitored(t, func(t *testing.T) *App {
		return runApp(t, Config{NATSURL: url, SealKeyFile: key, Log: log, Drain: new(time.Duration)})
	})
	var away atomic.Bool
	health, handler := grpchealth.NewHandler(grpchealth.NewStaticChecker("library.v1.ShelfService"))
	mux := http.NewServeMux()
	mux.HandleFunc(health, func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		handler.ServeHTTP(w, r)
	})
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()
	conn, err := nats.Connect(url)
	kittest.NoError(t, err)
	defer conn.Close()
	bucket, err := discovery.OpenBucket(conn, discovery.Options{Bucket: registryBucket, Now: time.Now, Log: log})
	kittest.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { _ = bucket.Run(ctx) })
	running.Go(func() {
		_ = bucket.Register(ctx, discovery.Instance{ID: "node_1-Shelf", Name: "library", URL: server.URL, Services: []string{"library.v1.ShelfService"}}, nil)
	})

	const name = "instance.node_1-shelf"
	awaitThat(t, "it is up", func() bool { return c.builtIn(name)[name] == "UP" })
	awaitThat(t, "the instance of this process is up", func() bool { return len(c.builtIn("instance.")) > 1 })
	c.must("PUT", "/v1/monitors/"+name, `{"interval":"1s","timeout":"1s","failures":1,"recoveries":1,"instance":{"id":"node_1-Shelf"}}`)
	state := func() string {
		for _, i := range c.must("GET", "/v1/instances", "")["instances"].([]any) {
			if i := i.(map[string]any); i["id"] == any("node_1-Shelf") {
				return i["state"].(string)
			}
		}
		return ""
	}
	kittest.Equal(t, state(), "INSTANCE_STATE_SERVING")
	away.Store(true)
	awaitThat(t, "it is failing", func() bool { return state() == "INSTANCE_STATE_FAILING" })
	away.Store(false)
	awaitThat(t, "it serves", func() bool { return state() == "INSTANCE_STATE_SERVING" })
}

// TestOwnInstances checks that the ports of a process are up: those of services, and that of the
// edge, with a certificate of another name, and for callers with credentials only.
func TestOwnInstances(t *testing.T) {
	cert, certKey, _ := certtest.New(t).Issue(t, t.TempDir(), "bongsu.example.com")
	a := runApp(t, Config{
		Log: slog.New(slog.DiscardHandler), AllowedHosts: []string{"bongsu.example.com"},
		Edge: edge.Config{Auth: edge.AuthRequired, TLSCert: cert, TLSKey: certKey},
	})
	c := inboxCaller{t: t, edge: "http://" + a.Addr(Monitor)}
	awaitThat(t, "all are up", func() bool {
		states := c.builtIn("instance.")
		return len(states) >= len(services)-1 && !slices.ContainsFunc(slices.Collect(maps.Values(states)), func(state string) bool { return state != "UP" })
	})
}
