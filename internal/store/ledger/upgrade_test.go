package ledger_test

import (
	"context"
	"io/fs"
	"testing"
	"testing/fstest"
	"time"

	"github.com/bongsu-project/bongsu/internal/store/database"
	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/internal/store/storetest"
	"github.com/bongsu-project/bongsu/services/alert"
)

// first is the schema of the first version.
func first(t *testing.T) database.Schema {
	t.Helper()
	files := fstest.MapFS{}
	for _, dialect := range []string{"sqlite", "postgres"} {
		name := "migrations/" + dialect + "/0001_initial.sql"
		text, err := fs.ReadFile(ledger.Schema.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: text}
	}
	return database.Schema{Name: ledger.Schema.Name, Migrations: files}
}

// TestUpgrade proves that what a ledger of the first version holds goes on: what
// waits and what was held never expires, and what failed can be replayed.
func TestUpgrade(t *testing.T) {
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			old, err := database.Open(t.Context(), url, first(t))
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
				t.Errorf("swept %d, want the one that was held; %v", n, err)
			}
			if n, err := l.Replay(t.Context(), alert.Selection{Reason: "refused"}, clock(0), clock(100), false); err != nil || n != 1 {
				t.Errorf("replayed %d, want the one that failed; %v", n, err)
			}
			claims, err := l.Claim(t.Context(), []int64{2, 3, 4}, storetest.Claimant(), clock(1), clock(10))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []alert.Claim{
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
