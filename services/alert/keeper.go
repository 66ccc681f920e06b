package alert

import (
	"context"
	"log/slog"
	"time"
)

// LeastKeep is how long a ledger must keep what is over at least: a request that is
// made again under its Key is answered with its alert.
const LeastKeep = 2 * KeyLife

const (
	// forgetRows is how much is deleted at once: some three milliseconds that accept,
	// claim and report may have to wait. Less costs more a row, as each piece is
	// committed; more is a longer wait for those that came meanwhile.
	forgetRows = 200
	// forgetPauses is how many times as long as others may have had to wait nothing is
	// deleted then, and forgetPause how long at least. So a tenth of the time is for
	// deleting. It must do for more than is accepted in a day, or the ledger grows all the
	// same. On two cores it does for some 2,000 deliveries a second, 170 million a day. While
	// as many are delivered as can be, it does for a quarter of them with PostgreSQL on the
	// same cores, and for a half with SQLite; the rest goes in calmer hours. What a piece
	// waits for its turn does not count, else the more were accepted, the less would be
	// deleted.
	forgetPauses, forgetPause = 9, 10 * time.Millisecond
	// forgetEvery is how often it is looked for what became old enough meanwhile.
	forgetEvery = time.Minute
	// forgetAgain is how often it is looked at what was old enough and not over.
	forgetAgain = time.Hour
)

// A Keeper forgets what has been over for long, little by little, from when it runs on.
type Keeper struct {
	Forgetter Forgetter
	Keep      time.Duration   // how long alerts are kept after they are over; at least LeastKeep
	Forgot    func(Forgotten) // is told of each piece that was deleted
	Now       func() time.Time
	Log       *slog.Logger

	last    int64     // the alerts up to this one were looked at
	began   time.Time // when the first of them was
	deleted Forgotten // since it was last said
}

// Run works until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		select {
		case <-alarm.C:
			alarm.Reset(k.piece(ctx))
		case <-ctx.Done():
			k.say()
			return nil
		}
	}
}

// piece deletes a piece, and gives how long to wait for the next.
func (k *Keeper) piece(ctx context.Context) time.Duration {
	now := k.Now()
	if now.Sub(k.began) >= forgetAgain {
		k.last, k.began = 0, now
	}
	f, err := k.Forgetter.Forget(ctx, k.last, now.Add(-k.Keep), forgetRows)
	if err != nil {
		if ctx.Err() == nil {
			k.Log.Error("cannot forget what is kept no longer", "error", err)
		}
		return forgetEvery
	}
	k.last = f.Last
	if f.Alerts+f.Deliveries > 0 {
		k.deleted.Alerts += f.Alerts
		k.deleted.Deliveries += f.Deliveries
		k.deleted.Attempts += f.Attempts
		k.Forgot(f)
	}
	if !f.More {
		k.say()
		return forgetEvery
	}
	return max(forgetPauses*f.Took, forgetPause)
}

// say logs what was deleted since it last did.
func (k *Keeper) say() {
	if k.deleted != (Forgotten{}) {
		k.Log.Info("forgot what was over for long", "alerts", k.deleted.Alerts, "deliveries", k.deleted.Deliveries, "attempts", k.deleted.Attempts)
	}
	k.deleted = Forgotten{}
}
