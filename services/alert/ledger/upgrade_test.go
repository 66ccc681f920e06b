package ledger_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"path"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bongsu-project/bongsu/internal/job/dispatch"
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/alert/ledgertest"
)

// until returns the schema up to the migration with a number, such as 0001.
func until(t *testing.T, number string) database.Schema {
	t.Helper()
	files := fstest.MapFS{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		names, err := fs.Glob(ledger.Schema.Migrations, "migrations/"+dialect+"/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if path.Base(name)[:len(number)] > number {
				continue
			}
			text, err := fs.ReadFile(ledger.Schema.Migrations, name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: text}
		}
	}
	return database.Schema{Name: ledger.Schema.Name, Migrations: files}
}

// TestUpgradeToAlertKeys checks that deliveries recorded before alert keys existed continue beside
// those with one, and that a resolved alert of something only the old version recorded is sent to
// nobody.
func TestUpgradeToAlertKeys(t *testing.T) {
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			old, err := database.Open(t.Context(), url, until(t, "0011"))
			if err != nil {
				t.Fatal(err)
			}
			err = old.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
				if _, err := x.Exec(ctx, `INSERT INTO alerts (id, targets, "unknown", severity, message, create_time, expire_time, more)
					VALUES (1, '["@kim"]', '[]', 'high', 'x', 7000000, ?, '{"title":"t"}')`, clock(100).UnixMicro()); err != nil {
					return err
				}
				_, err := x.Exec(ctx, `INSERT INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential, state,
					next_time, expire_time, chain, held, deferred) VALUES
					(2, 1, 'kim', 'slack', 1, 'A', '', 1, 5000000, ?, 2, false, false),
					(3, 1, 'kim', 'ntfy', 1, 'B', '', 1, ?, ?, 2, true, true)`,
					clock(100).UnixMicro(), clock(50).UnixMicro(), clock(100).UnixMicro())
				return err
			})
			if err := errors.Join(err, old.Close()); err != nil {
				t.Fatal(err)
			}

			l := open(t, url)
			a, ds, err := l.Alert(t.Context(), 1)
			if err != nil || a.Title != "t" || a.AlertKey != "" || a.Resolved || len(ds) != 2 || ds[0].State != alert.Queued || ds[1].State != alert.Held {
				t.Fatalf("%+v, %+v, %v", a, ds, err)
			}
			states := func(key string, resolved bool) []alert.State {
				t.Helper()
				a := alert.Alert{Severity: "low", Message: "x", AlertKey: key, Resolved: resolved, CreateTime: clock(1), ExpireTime: clock(100)}
				ds := []alert.Delivery{{Nickname: "kim", Messenger: "slack", State: alert.Queued}}
				added, err := l.AddAlert(t.Context(), a, ds, clock(2))
				if err != nil {
					t.Fatal(err)
				}
				return []alert.State{added.Deliveries[0].State}
			}
			if got := states("x", true); got[0] != alert.Canceled {
				t.Errorf("resolved is %v, but the firing alert of the old version has no key", got)
			}
			if got := states("x", false); got[0] != alert.Queued {
				t.Errorf("firing is %v, but the alert of the old version has no key and cannot block it", got)
			}
			claims, err := l.Claim(t.Context(), []int64{2}, ledgertest.Claimant(), clock(1), clock(10))
			if err != nil || len(claims) != 1 {
				t.Fatal(claims, err)
			}
			if _, err := l.Report(t.Context(), []dispatch.Report{{
				DeliveryID: 2, Fence: 1, StartTime: clock(1), EndTime: clock(2), Outcome: messenger.Outcome{Kind: messenger.Sent},
			}}, clock(2), rule); err != nil {
				t.Fatal(err)
			}
			if _, ds, err = l.Alert(t.Context(), 1); err != nil || ds[0].State != alert.Sent || ds[1].Reason != alert.NotNeeded {
				t.Errorf("%+v, %v", ds, err)
			}
		})
	}
}

// TestUpgradeToThreadPrefixes checks that an alert follows one of its key that an earlier version
// recorded, in the same thread, also after retention.
func TestUpgradeToThreadPrefixes(t *testing.T) {
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			old, err := database.Open(t.Context(), url, until(t, "0014"))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256([]byte("k\x00kim\x00slack"))
			thread := base64.RawURLEncoding.EncodeToString(sum[:24])
			err = old.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
				_, err := x.Exec(ctx, `INSERT INTO alerts (id, targets, "unknown", severity, message, create_time, expire_time, more)
					VALUES (1, '["@kim"]', '[]', 'high', 'x', 7000000, ?, '{"key":"k"}')`, clock(100).UnixMicro())
				if err != nil {
					return err
				}
				if _, err := x.Exec(ctx, `INSERT INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential, state,
					next_time, expire_time, thread, thread_order) VALUES (2, 1, 'kim', 'slack', 1, 'A', '', 1, 5000000, ?, ?, 1)`,
					clock(100).UnixMicro(), thread); err != nil {
					return err
				}
				if _, err := x.Exec(ctx, `INSERT INTO alert_keys (name, last_order, rank, resolved, use_time) VALUES ('k', 1, 1, false, 7000000)`); err != nil {
					return err
				}
				_, err = x.Exec(ctx, `INSERT INTO threads (name, notified, resolved_order, last_order, use_time) VALUES (?, false, 0, 1, 7000000)`, thread)
				return err
			})
			if err := errors.Join(err, old.Close()); err != nil {
				t.Fatal(err)
			}

			l := open(t, url)
			d := alert.Deletion{More: true}
			for d.More {
				if d, err = l.DeleteCompleted(t.Context(), d.Last, clock(50), 100); err != nil || d.Alerts > 0 {
					t.Fatal(d, err)
				}
			}
			for n, resolved := range []bool{false, true} {
				a := alert.Alert{Severity: "low", Message: "x", AlertKey: "k", Resolved: resolved, CreateTime: clock(60 + n), ExpireTime: clock(100)}
				ds := []alert.Delivery{{Nickname: "kim", Messenger: "slack", State: alert.Queued}}
				if _, err := l.AddAlert(t.Context(), a, ds, clock(70)); err != nil {
					t.Fatal(err)
				}
				_, ds, err := l.Alert(t.Context(), 1)
				superseded := len(ds) == 1 && ds[0].Reason == alert.Superseded
				if err != nil || superseded != resolved {
					t.Errorf("after an alert, resolved %t: %+v, %v", resolved, ds, err)
				}
			}
		})
	}
}

// TestUpgradeToCallbacks checks that deliveries recorded before callbacks existed end without a
// report, beside those with one.
func TestUpgradeToCallbacks(t *testing.T) {
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			old, err := database.Open(t.Context(), url, until(t, "0013"))
			if err != nil {
				t.Fatal(err)
			}
			err = old.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
				if _, err := x.Exec(ctx, `INSERT INTO alerts (id, targets, "unknown", severity, message, create_time, expire_time)
					VALUES (1, '["@kim"]', '[]', 'high', 'x', 7000000, ?)`, clock(100).UnixMicro()); err != nil {
					return err
				}
				_, err := x.Exec(ctx, `INSERT INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential, state,
					next_time, expire_time, fence, attempt_count, lease_time) VALUES
					(2, 1, 'kim', 'slack', 1, 'A', '', 2, 5000000, ?, 1, 1, ?),
					(3, 1, 'kim', 'ntfy', 1, 'B', '', 1, 5000000, ?, 0, 0, 0)`,
					clock(100).UnixMicro(), clock(50).UnixMicro(), clock(100).UnixMicro())
				return err
			})
			if err := errors.Join(err, old.Close()); err != nil {
				t.Fatal(err)
			}

			l := open(t, url)
			if err := l.AddCallbackEndpoint(t.Context(), alert.CallbackEndpoint{Name: "orders", SealedSecret: []byte{1}, CreateTime: clock(0)}); err != nil {
				t.Fatal(err)
			}
			a := alert.Alert{Severity: "low", Message: "x", Callback: "orders", CreateTime: clock(1), ExpireTime: clock(60)}
			added, err := l.AddAlert(t.Context(), a, []alert.Delivery{{Nickname: "kim", Messenger: "slack", State: alert.Queued}}, clock(2))
			if err != nil {
				t.Fatal(err)
			}
			fenced, err := l.Report(t.Context(), []dispatch.Report{{
				DeliveryID: 2, Fence: 1, StartTime: clock(1), EndTime: clock(2), Outcome: messenger.Outcome{Kind: messenger.Sent},
			}}, clock(2), rule)
			if err != nil || len(fenced) > 0 {
				t.Fatal(fenced, err)
			}
			if n, err := l.Sweep(t.Context(), clock(200), 10, rule); err != nil || n != 2 {
				t.Fatal(n, err)
			}
			var got []alert.CallbackReport
			_, ok, err := l.TakeCallbacks(t.Context(), clock(201), clock(230), func(reports []alert.CallbackReport) (string, []byte) {
				got = reports
				return "1", []byte("x")
			})
			if err != nil || !ok || len(got) != 1 || got[0].DeliveryID != added.Deliveries[0].ID || got[0].State != alert.Expired {
				t.Errorf("reported are %+v, %t, %v; want only that of the new alert", got, ok, err)
			}
		})
	}
}

// TestUpgrade checks that the deliveries of a ledger of the first version continue: queued and
// claimed ones never expire, and failed ones can be replayed.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			old, err := database.Open(t.Context(), url, until(t, "0001"))
			if err != nil {
				t.Fatal(err)
			}
			err = old.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
				if _, err := x.Exec(ctx, `INSERT INTO alerts (id, targets, "unknown", severity, message, create_time)
					VALUES (1, '["@all"]', '[]', 'normal', 'x', 7000000)`); err != nil {
					return err
				}
				_, err := x.Exec(ctx, `INSERT INTO deliveries (id, alert_id, nickname, messenger, rank, destination, credential,
					state, next_time, fence, attempt_count, claim_time, lease_time, reason, end_time) VALUES
					(2, 1, 'a', 'slack', 2, 'A', '', 1, 5000000, 0, 0, 0, 0, '', 0),
					(3, 1, 'b', 'slack', 2, 'B', '', 2, 9000000, 1, 1, 8000000, 9000000, '', 0),
					(4, 1, 'c', 'slack', 2, 'C', '', 4, 9000000, 1, 1, 8000000, 9000000, 'refused', 8500000)`)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := old.Close(); err != nil {
				t.Fatal(err)
			}

			l := open(t, url)
			if n, err := l.Sweep(t.Context(), clock(0), 10, rule); err != nil || n != 1 {
				t.Errorf("swept %d, want the one that was claimed; %v", n, err)
			}
			if n, err := l.Replay(t.Context(), alert.ReplaySelection{Reason: "refused"}, clock(0), clock(100), false); err != nil || n != 1 {
				t.Errorf("replayed %d, want the one that failed; %v", n, err)
			}
			claims, err := l.Claim(t.Context(), []int64{2, 3, 4}, ledgertest.Claimant(), clock(1), clock(10))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []dispatch.Claim{
				{DeliveryID: 2, Fence: 1, Attempt: 1, LeaseExpireTime: clock(10)},
				{DeliveryID: 3, Fence: 2, Attempt: 2, PossibleDuplicate: true, LeaseExpireTime: clock(10)},
				{DeliveryID: 4, Fence: 2, Attempt: 2, LeaseExpireTime: clock(10)},
			} {
				if i >= len(claims) || claims[i] != want {
					t.Errorf("granted are %+v, want %+v as number %d", claims, want, i)
				}
			}
			a, _, err := l.Alert(t.Context(), 1)
			if err != nil || !a.ExpireTime.IsZero() || a.CreateTime != time.Unix(7, 0).UTC() {
				t.Errorf("the alert is %+v, %v", a, err)
			}
		})
	}
}
