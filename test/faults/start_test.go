package faults

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/test/judge"
	"github.com/bongsu-project/bongsu/test/proc"
)

// starts is the number of kills during a start: each a little later than the one
// before, up to startTime.
const starts = 10

// startTime is a little longer than a start usually takes here.
const startTime = 600 * time.Millisecond

// killWhileStarting starts a part repeatedly, and kills it each time during or soon
// after the start.
func (s *system) killWhileStarting(t testing.TB, name string) {
	t.Helper()
	for n := range starts {
		cmd := s.parts[name].command()
		p := proc.Start(t, cmd)
		wait(t.Context(), time.Duration(n)*startTime/starts)
		p.Kill()
	}
}

// TestKilledWhileItStarts kills a busy process, and then each restart of it, with jobs
// in its queue and deliveries that it had claimed.
func TestKilledWhileItStarts(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel()
	for _, store := range []string{"sqlite", "postgres"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			s := startOneProcess(t, store)
			all, _ := posts(draw(t.Name()), 60)
			s.faultWhileBusy(t, all, bound, func() {
				s.kill("all")
				s.killWhileStarting(t, "all")
				s.start(t, "all")
			})
			s.judge(t, all)
			s.living(t)
		})
	}
}

// TestKilledWhileItMigrates kills a process repeatedly while it migrates a ledger of
// the first schema version: in the end the ledger is complete, and the process accepts
// alerts.
func TestKilledWhileItMigrates(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	t.Parallel()
	const old = 20_000 // alerts, so that migrations take a moment
	for _, store := range []string{"sqlite", "postgres"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			directoryURL, ledgerURL := databases(t, store)
			firstLedger(t, ledgerURL, old)
			s := newSystem(t)
			data := t.TempDir()
			s.jetstream = filepath.Join(data, "jetstream")
			s.prepare(t, "all", "edge", "--data="+data, "--directory-url="+directoryURL, "--ledger-url="+ledgerURL)
			s.killWhileStarting(t, "all")
			s.start(t, "all")
			s.sendTo(s.parts["all"].URLs(t, 1)["edge"])
			s.readAdminKey(t, "all", data)

			s.settle(t, s.url)
			p := &alertRequest{target: `"@user1"`, severity: "high", message: "the ledger has the newest schema version"}
			s.send(t, []*alertRequest{p})
			ctx, cancel := context.WithTimeout(t.Context(), bound)
			defer cancel()
			for {
				res, err := s.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: p.id})
				must(t, err)
				if res.GetAlert().GetDeliveryCounts().GetSent() == 1 {
					break
				}
				wait(ctx, 20*time.Millisecond)
			}
			ids, open, err := judge.List(ctx, s.alerts())
			must(t, err)
			if len(ids) != old+1 || open != 0 {
				t.Errorf("the ledger holds %d alerts, want %d; %d deliveries have not ended", len(ids), old+1, open)
			}
			res, err := s.alerts().GetAlert(ctx, &alertv1.GetAlertRequest{Id: fmt.Sprint(old)})
			must(t, err)
			if d := res.GetDeliveries(); len(d) != 1 || d[0].GetNickName() != fmt.Sprint("old", old) || d[0].GetReason() != "http_500" || d[0].GetState() != alertv1.DeliveryState_DELIVERY_STATE_FAILED {
				t.Errorf("the last old alert is %v", res)
			}
			s.living(t)
		})
	}
}

// firstLedger creates a ledger of the first schema version with alerts that have one
// failed delivery each. The id of a delivery is that of its alert plus a million.
func firstLedger(t testing.TB, url string, alerts int) {
	t.Helper()
	files := fstest.MapFS{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		name := "migrations/" + dialect + "/0001_initial.sql"
		text, err := fs.ReadFile(ledger.Schema.Migrations, name)
		must(t, err)
		files[name] = &fstest.MapFile{Data: text}
	}
	old, err := database.Open(t.Context(), url, database.Schema{Name: ledger.Schema.Name, Migrations: files})
	must(t, err)
	must(t, old.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		if _, err := x.Exec(ctx, fmt.Sprintf(`INSERT INTO alerts (id, targets, "unknown", severity, message, create_time)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			SELECT i, '["@all"]', '[]', 'normal', 'an old alert', 7000000 FROM n`, alerts)); err != nil {
			return err
		}
		_, err := x.Exec(ctx, `INSERT INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential, state,
			next_time, fence, attempt_count, claim_time, lease_time, reason, end_time)
			SELECT id + 1000000, id, 'old' || id, 'slack', 2, 'C', '', 4, 9000000, 1, 1, 8000000, 9000000, 'http_500', 8500000 FROM alerts`)
		return err
	}))
	must(t, old.Close())
}
