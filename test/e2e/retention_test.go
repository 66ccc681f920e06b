package e2e

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/test/proc"
)

// aged fills a ledger with old alerts, and returns the ids of: many alerts that
// completed forty days ago, one of that age that is not completed, and one that
// completed twenty days ago.
func aged(t *testing.T, url string) (old []string, open, young string) {
	t.Helper()
	const day = 24 * time.Hour
	now := time.Now().Add(-40 * day)
	l, err := ledger.Open(t.Context(), url, func() time.Time { return now })
	must(t, err)
	record := func(d alert.Delivery, people int) string {
		t.Helper()
		a := alert.Alert{Targets: []string{"@all"}, Severity: "normal", Message: "m", CreateTime: now, ExpireTime: now.Add(60 * day)}
		d.Nickname, d.Messenger = "user1", "slack"
		ds := make([]alert.Delivery, people)
		for i := range ds {
			ds[i] = d
		}
		added, err := l.AddAlert(t.Context(), a, ds, now.Add(60*day))
		must(t, err)
		return strconv.FormatInt(added.Alert.ID, 10)
	}
	failed := func() alert.Delivery {
		return alert.Delivery{State: alert.Failed, Reason: "http_500", EndTime: now}
	}
	open = record(alert.Delivery{State: alert.Queued}, 1)
	for range 300 {
		old = append(old, record(failed(), 2))
	}
	old = append(old, record(failed(), 2000))
	now = now.Add(20 * day)
	young = record(failed(), 2)
	must(t, l.Close())
	return old, open, young
}

// TestRetention runs on a ledger with alerts of forty days: with --keep, alerts that
// completed longer ago are deleted, and nothing else is.
func TestRetention(t *testing.T) {
	for name, url := range map[string]string{"SQLite": filepath.Join(t.TempDir(), "ledger.db"), "PostgreSQL": ""} {
		t.Run(name, func(t *testing.T) {
			if url == "" {
				url = postgrestest.URL(t)
			}
			old, open, young := aged(t, url)
			_, broker := binaries.NATS(t, t.TempDir(), -1)
			args := append([]string{"--services=edge,group,alert", "--nats-url=" + broker, "--ledger-url=" + url, "--seal-key-file=" + makeKey(t), "--data=" + t.TempDir()}, anywhere...)
			run := func(more ...string) (*proc.Process, deployment) {
				t.Helper()
				p := binaries.Serve(t, slices.Concat(args, more)...)
				urls := p.URLs(t, 3)
				return p, deployment{edge: urls["edge"], alert: urls["alert"]}
			}
			find := func(d deployment, want int, ids ...string) {
				t.Helper()
				for _, id := range ids {
					if status, answer := request(t, http.MethodGet, d.edge+"/v1/alerts/"+id, ""); status != want {
						t.Errorf("alert %s: %d, want %d: %s", id, status, want, answer)
					}
				}
			}

			p, d := run()
			find(d, http.StatusOK, append(old, open, young)...)
			must(t, p.Stop(t))
			if logged := p.Log(); strings.Contains(logged, "retention") {
				t.Errorf("retention runs without --keep:\n%s", logged)
			}

			p, d = run("--keep=30d")
			ctx, cancel := context.WithTimeout(t.Context(), proc.Patience)
			defer cancel()
			for {
				_, page := request(t, http.MethodGet, d.alert+"/metrics", "")
				if strings.Contains(page, "bongsu_alert_alerts_forgotten_total 301\n") && strings.Contains(page, "bongsu_alert_deliveries_forgotten_total 2600\n") {
					break
				}
				look(ctx, t)
			}
			find(d, http.StatusNotFound, old...)
			find(d, http.StatusOK, open, young)
			if _, answer := request(t, http.MethodPost, d.edge+"/v1/deliveries:replay", `{"filter":{"reason":"http_500"}}`); !strings.Contains(answer, `"replayedCount":2`) {
				t.Errorf("only kept deliveries can be replayed: %s", answer)
			}
			must(t, p.Stop(t))
			if logged := p.Log(); !strings.Contains(logged, `"msg":"deleted completed alerts","alerts":301,"deliveries":2600`) {
				t.Errorf("the log lacks the deleted alerts:\n%s", logged)
			}
		})
	}
}
