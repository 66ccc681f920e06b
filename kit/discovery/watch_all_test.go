package discovery

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/nats-io/nats.go/jetstream"
)

// A slowBucket begins a watch only when its context ends.
type slowBucket struct {
	jetstream.KeyValue
	updates chan jetstream.KeyValueEntry
}

func (b slowBucket) WatchAll(ctx context.Context, _ ...jetstream.WatchOpt) (jetstream.KeyWatcher, error) {
	<-ctx.Done()
	return slowWatcher{updates: b.updates}, nil
}

type slowWatcher struct {
	jetstream.KeyWatcher
	updates chan jetstream.KeyValueEntry
}

func (w slowWatcher) Updates() <-chan jetstream.KeyValueEntry { return w.updates }

// TestWatchAllBeginsTooLate checks that a watch which begins after its timeout is ended: what it
// still delivers is read.
func TestWatchAllBeginsTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := slowBucket{updates: make(chan jetstream.KeyValueEntry)}
		watcher, stop, err := watchAll(t.Context(), b)
		if !errors.Is(err, context.DeadlineExceeded) || watcher != nil || stop != nil {
			t.Errorf("%v %v", watcher, err)
		}
		b.updates <- nil // blocks unless somebody reads
		close(b.updates)
	})
}
