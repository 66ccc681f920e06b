package alert_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/internal/fault"
	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/services/alert"
)

// A looked forgetter counts the looks, and from which alert they began.
type looked struct {
	alert.Forgetter
	looks, fromFirst int
}

func (l *looked) Forget(ctx context.Context, after int64, before time.Time, limit int) (alert.Forgotten, error) {
	l.looks++
	if after == 0 {
		l.fromFirst++
	}
	return l.Forgetter.Forget(ctx, after, before, limit)
}

// TestKeeper moves the clock on for days: alerts are forgotten when they have been over
// for so long, not before, and behind one that does not end too; that one is looked at
// once an hour.
func TestKeeper(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keep = 3 * 24 * time.Hour
		l, err := ledger.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), time.Now)
		must(t, err)
		defer l.Close()
		kept := func(a alert.Alert) bool {
			t.Helper()
			_, _, err := l.Alert(t.Context(), a.ID)
			if err != nil && !errors.Is(err, fault.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		cancel := func(a alert.Alert) {
			t.Helper()
			_, err := l.Cancel(t.Context(), a.ID, time.Now())
			must(t, err)
		}
		slow := record(t, l, queued(1))
		var first []alert.Alert
		for range 1000 { // more than one piece
			first = append(first, record(t, l, queued(2)))
			cancel(first[len(first)-1])
		}
		time.Sleep(time.Hour)
		second := record(t, l, queued(1))
		time.Sleep(time.Hour)
		cancel(second)

		forgotten := alert.Forgotten{}
		f := &looked{Forgetter: l}
		k := &alert.Keeper{Forgetter: f, Keep: keep, Now: time.Now, Log: slog.New(slog.DiscardHandler), Forgot: func(f alert.Forgotten) {
			forgotten.Alerts += f.Alerts
			forgotten.Deliveries += f.Deliveries
		}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- k.Run(ctx) }()

		time.Sleep(keep - 2*time.Hour - time.Minute)
		if !kept(first[0]) || !kept(first[999]) || forgotten.Alerts > 0 {
			t.Error("alerts were forgotten before their time")
		}
		time.Sleep(3 * time.Minute)
		if kept(first[0]) || kept(first[999]) || forgotten.Alerts != 1000 || forgotten.Deliveries != 2000 {
			t.Errorf("%d alerts and %d deliveries were forgotten, want 1000 and 2000", forgotten.Alerts, forgotten.Deliveries)
		}
		f.looks, f.fromFirst = 0, 0
		time.Sleep(time.Hour + 50*time.Minute) // the second was sent by now, and ended later
		if !kept(second) || !kept(slow) {
			t.Error("an alert was forgotten that ended later than it was sent")
		}
		time.Sleep(2 * time.Hour)
		if kept(second) || !kept(slow) {
			t.Error("the second is not forgotten, or the one is that has not ended")
		}
		cancel(slow)
		time.Sleep(keep - time.Minute)
		if !kept(slow) {
			t.Error("the one that ended last was forgotten before its time")
		}
		time.Sleep(time.Hour + 2*time.Minute)
		if kept(slow) {
			t.Error("the one that ended last is not forgotten")
		}
		if hours := int(keep/time.Hour) + 5; f.fromFirst > hours || f.looks > 61*hours {
			t.Errorf("in %d hours it looked %d times, %d of them from the first alert on", hours, f.looks, f.fromFirst)
		}
		stop()
		must(t, <-ended)
	})
}
