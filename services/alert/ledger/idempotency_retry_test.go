package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/alert"
)

// TestKeyOfAbortedTransaction checks that an add which found its key taken in an aborted
// transaction can record its own alert in the retry.
func TestKeyOfAbortedTransaction(t *testing.T) {
	db, err := database.Open(t.Context(), filepath.Join(t.TempDir(), "x.db"), Schema)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	errBad := errors.New("abort")
	first := &pendingAdd{alert: alert.Alert{ID: 1, IdempotencyKey: "k", CreateTime: time.Now()}}
	second := &pendingAdd{alert: alert.Alert{ID: 2, IdempotencyKey: "k", CreateTime: time.Now()}}
	err = db.Write(t.Context(), func(ctx context.Context, x *database.Tx) error {
		if err := writeAdds(ctx, x, []*pendingAdd{first, second}); err != nil {
			return err
		}
		if second.holder != 1 || !second.same {
			t.Errorf("holder of the second is %d, want 1", second.holder)
		}
		return errBad
	})
	if !errors.Is(err, errBad) {
		t.Fatal(err)
	}
	err = db.Write(t.Context(), func(ctx context.Context, x *database.Tx) error { return writeAdds(ctx, x, []*pendingAdd{second}) })
	if err != nil || second.holder != 0 {
		t.Errorf("holder of the second is %d, %v, want none", second.holder, err)
	}
}
