package app

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/monitor"
)

// monitored are the deployments in which monitors are tested: one process, and the monitor service in
// two processes of their own.
var monitored = map[string]func(*testing.T) *App{
	"one process": func(t *testing.T) *App {
		return runApp(t, Config{Log: slog.New(slog.DiscardHandler), Monitor: monitor.Config{Private: true}})
	},
	"parts": func(t *testing.T) *App {
		log := slog.New(slog.DiscardHandler)
		nats, key := startNATS(t), filepath.Join(t.TempDir(), "seal.key")
		kittest.NoError(t, sealkey.Format.CreateKeyFile(key))
		runApp(t, Config{Services: []string{Directory, Alert, Inbox, Incident, Sender}, NATSURL: nats, Drain: new(time.Duration), SealKeyFile: key, Log: log})
		database := filepath.Join(t.TempDir(), "monitor.db")
		runApp(t, Config{Services: []string{Monitor}, NATSURL: nats, Drain: new(time.Duration), SealKeyFile: key, Log: log, Monitor: monitor.Config{Private: true, DatabaseURL: database}})
		runApp(t, Config{Services: []string{Monitor}, NATSURL: nats, Drain: new(time.Duration), SealKeyFile: key, Log: log, Monitor: monitor.Config{Private: true, DatabaseURL: database}})
		return runApp(t, Config{Services: []string{Edge}, NATSURL: nats, Drain: new(time.Duration), Log: log})
	},
}

// runMonitored starts a deployment, and returns a caller of its edge.
func runMonitored(t *testing.T, run func(*testing.T) *App) inboxCaller {
	t.Helper()
	c := inboxCaller{t: t, edge: "http://" + run(t).Addr(Edge)}
	awaitThat(t, "the edge is ready", func() bool { status, _ := c.call("GET", "/readyz", ""); return status == http.StatusOK })
	awaitThat(t, "the monitor service answers", func() bool { status, _ := c.call("GET", "/v1/monitors", ""); return status == http.StatusOK })
	return c
}

// monitorState returns the state of a monitor without its prefix.
func (c inboxCaller) monitorState(name string) string {
	c.t.Helper()
	m := c.must("GET", "/v1/monitors/"+name, "")["monitor"].(map[string]any)
	return strings.TrimPrefix(fmt.Sprint(m["status"].(map[string]any)["state"]), "MONITOR_STATE_")
}

// TestMonitor follows a monitor of a server that stops and comes back: it has results, an incident
// while the server is away, and the resolution of the incident.
func TestMonitor(t *testing.T) {
	for name, run := range monitored {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := runMonitored(t, run)
			c.createUsers("kim")
			var away atomic.Bool
			var header atomic.Value
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				header.Store(r.Header.Get("Authorization"))
				if away.Load() {
					panic(http.ErrAbortHandler)
				}
			}))
			defer server.Close()

			created := c.must("POST", "/v1/monitors", `{"name":"shop","title":"The shop","interval":"1s","timeout":"1s","target":["@kim"],
				"http":{"url":"`+server.URL+`","headers":[{"name":"Authorization","value":"Bearer s3cret"}]}}`)["monitor"].(map[string]any)
			kittest.Equal(t, fmt.Sprint(created["settings"].(map[string]any)["http"].(map[string]any)["headers"]), "[map[name:Authorization value:]]")
			awaitThat(t, "it is up", func() bool { return c.monitorState("shop") == "UP" })
			kittest.Equal(t, header.Load(), any("Bearer s3cret"))
			results := c.must("GET", "/v1/monitors/shop/results", "")["results"].([]any)
			kittest.Equal(t, results[0].(map[string]any)["outcome"], any("OUTCOME_PASSED"))
			kittest.Equal(t, len(c.incidents("key=monitor/shop")), 0)

			away.Store(true)
			awaitThat(t, "it has an incident", func() bool { return len(c.incidents("openOnly=true&key=monitor/shop")) == 1 })
			awaitThat(t, "kim is notified", func() bool { return strings.HasPrefix(c.lastText(), "[critical]") })
			kittest.Equal(t, c.monitorState("shop"), "DOWN")
			result := c.must("POST", "/v1/monitors/shop:run", `{}`)["result"].(map[string]any)
			kittest.Equal(t, result["outcome"], any("OUTCOME_FAILED"))

			away.Store(false)
			awaitThat(t, "the incident is resolved", func() bool { return len(c.incidents("openOnly=true&key=monitor/shop")) == 0 })
			awaitThat(t, "kim is shown the resolution", func() bool { return strings.Contains(c.lastText(), "resolved") })
			kittest.Equal(t, c.monitorState("shop"), "UP")
			uptime := c.must("GET", "/v1/monitors/shop/uptime", "")
			kittest.Equal(t, len(uptime["periods"].([]any)) > 0, true)

			// The secret stays over a change that leaves the URL.
			c.must("PUT", "/v1/monitors/shop", `{"interval":"1s","timeout":"1s","http":{"url":"`+server.URL+`","headers":[{"name":"Authorization"}]}}`)
			header.Store("")
			awaitThat(t, "the check sends its secret", func() bool { return header.Load() == any("Bearer s3cret") })
			c.must("DELETE", "/v1/monitors/shop", "")
			status, _ := c.call("GET", "/v1/monitors/shop", "")
			kittest.Equal(t, status, http.StatusNotFound)
		})
	}
}

// TestHeartbeatPings checks that pings are recorded, and that a failure opens an incident at once.
func TestHeartbeatPings(t *testing.T) {
	c := runMonitored(t, monitored["one process"])
	c.createUsers("kim")
	c.must("POST", "/v1/monitors", `{"name":"backup","target":["@kim"],"heartbeat":{"period":"2s","grace":"1s"}}`)
	due := c.must("POST", "/v1/heartbeats/backup", `done`)["dueTime"]
	kittest.Equal(t, due != nil, true)
	kittest.Equal(t, c.monitorState("backup"), "UP")
	c.must("POST", "/v1/heartbeats/backup:start", ``)
	c.must("POST", "/v1/heartbeats/backup:fail", `disk is full`)
	kittest.Equal(t, c.monitorState("backup"), "DOWN")
	awaitThat(t, "it has an incident", func() bool { return len(c.incidents("openOnly=true&key=monitor/backup")) == 1 })
	pings := c.must("GET", "/v1/heartbeats/backup/pings", "")["pings"].([]any)
	kittest.Equal(t, len(pings), 3)
	kittest.Equal(t, pings[0].(map[string]any)["body"], any("ZGlzayBpcyBmdWxs"))
	c.must("POST", "/v1/heartbeats/backup", ``)
	awaitThat(t, "the incident is resolved", func() bool { return len(c.incidents("openOnly=true&key=monitor/backup")) == 0 })
	awaitThat(t, "it is late", func() bool { return c.monitorState("backup") == "DOWN" })
	status, _ := c.call("POST", "/v1/monitors/backup:run", `{}`)
	kittest.Equal(t, status, http.StatusBadRequest)
	status, _ = c.call("POST", "/v1/heartbeats/nope", ``)
	kittest.Equal(t, status, http.StatusNotFound)
}

// TestMaintenance checks that failures in a maintenance window notify nobody.
func TestMaintenance(t *testing.T) {
	c := runMonitored(t, monitored["one process"])
	c.createUsers("kim")
	c.must("POST", "/v1/monitors", `{"name":"job","target":["@kim"],"heartbeat":{"period":"3600s"}}`)
	status, _ := c.call("POST", "/v1/maintenances", `{"monitors":["nope"],"endTime":"2099-01-01T00:00:00Z","reason":"x"}`)
	kittest.Equal(t, status, http.StatusBadRequest)
	end := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	window := c.must("POST", "/v1/maintenances", `{"monitors":["jo*"],"endTime":"`+end+`","reason":"upgrade"}`)["maintenance"].(map[string]any)
	c.must("POST", "/v1/heartbeats/job:fail", ``)
	kittest.Equal(t, c.monitorState("job"), "MAINTENANCE")
	kittest.Equal(t, len(c.incidents("key=monitor/job")), 0)
	kittest.Equal(t, len(c.must("GET", "/v1/maintenances", "")["maintenances"].([]any)), 1)
	c.must("DELETE", "/v1/maintenances/"+window["id"].(string), "")
	kittest.Equal(t, c.must("GET", "/v1/maintenances", "")["maintenances"], any([]any{}))
}
