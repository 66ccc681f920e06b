package app

import (
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// TestMonitorsAreCountedBySealKey checks that a monitor with a secret is counted for its seal key, also
// if another process runs the monitor service.
func TestMonitorsAreCountedBySealKey(t *testing.T) {
	for name, run := range monitored {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := runMonitored(t, run)
			c.must("POST", "/v1/monitors", `{"name":"plain","paused":true,"http":{"url":"https://example.com"}}`)
			c.must("POST", "/v1/monitors", `{"name":"shop","paused":true,"http":{"url":"https://example.com","headers":[{"name":"Authorization","value":"s3cret"},{"name":"Cookie","value":"s3cret"}]}}`)
			awaitThat(t, "the monitors are counted", func() bool { return c.must("GET", "/v1/seal-keys", "")["monitorsCounted"] == true })
			keys := c.must("GET", "/v1/seal-keys", "")["keys"].([]any)
			kittest.Equal(t, len(keys), 1)
			kittest.Equal(t, keys[0].(map[string]any)["monitorCount"], any("1"))
			c.must("DELETE", "/v1/monitors/shop", "")
			keys = c.must("GET", "/v1/seal-keys", "")["keys"].([]any)
			kittest.Equal(t, keys[0].(map[string]any)["monitorCount"], any("0"))
		})
	}
}

// TestMonitorsAreNotCounted checks that no number of monitors is returned if there is no monitor
// service, and no seal keys at all if there is one that cannot be reached.
func TestMonitorsAreNotCounted(t *testing.T) {
	withoutMonitor := Config{Services: []string{Edge, Access, Directory, Alert, Inbox, Incident, Sender}, Log: slog.New(slog.DiscardHandler)}
	t.Run("no monitor service", func(t *testing.T) {
		c := inboxCaller{t: t, edge: "http://" + runApp(t, withoutMonitor).Addr(Edge)}
		res := c.must("GET", "/v1/seal-keys", "")
		kittest.Equal(t, res["monitorsCounted"], any(false))
		_, counted := res["keys"].([]any)[0].(map[string]any)["monitorCount"]
		kittest.Equal(t, counted, false)
	})
	t.Run("unreachable", func(t *testing.T) {
		config := withoutMonitor
		config.MonitorServiceURL = "http://127.0.0.1:1"
		c := inboxCaller{t: t, edge: "http://" + runApp(t, config).Addr(Edge)}
		status, text := c.call("GET", "/v1/seal-keys", "")
		if status != http.StatusServiceUnavailable {
			t.Errorf("%d %s", status, text)
		}
	})
	t.Run("stopped", func(t *testing.T) {
		nats, key := startNATS(t), filepath.Join(t.TempDir(), "seal.key")
		kittest.NoError(t, sealkey.Format.CreateKeyFile(key))
		rest := withoutMonitor
		rest.NATSURL, rest.SealKeyFile, rest.Drain = nats, key, new(time.Duration)
		c := inboxCaller{t: t, edge: "http://" + runApp(t, rest).Addr(Edge)}
		counted := func() bool {
			status, text := c.call("GET", "/v1/seal-keys", "")
			return status == http.StatusOK && strings.Contains(text, `"monitorsCounted":true`) && strings.Contains(text, `"monitorCount":"0"`)
		}
		t.Run("running", func(t *testing.T) {
			runApp(t, Config{Services: []string{Monitor}, NATSURL: nats, SealKeyFile: key, Drain: new(time.Duration), Log: rest.Log})
			awaitThat(t, "the monitors are counted", counted)
		})
		kittest.Equal(t, counted(), false)
	})
}

// TestMonitorShare checks that a process alone runs all monitors, and exports that.
func TestMonitorShare(t *testing.T) {
	a := runApp(t, Config{Services: []string{"all"}, Log: slog.New(slog.DiscardHandler)})
	_, text := get(t, http.MethodGet, "http://"+a.Addr(Edge)+"/metrics", "")
	kittest.Equal(t, regexp.MustCompile(`(?m)^bongsu_monitor_share.*$`).FindString(text), "bongsu_monitor_share_ratio 1")
}
