//go:build unix

package queue_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/queue"
)

// folderFaults make the folder of a broker unusable; repair makes it usable again.
var folderFaults = map[string]func(t *testing.T, dir string) (repair func()){
	"not permitted":      forbid,
	"replaced by a file": replace,
}

// TestUnusableFolder makes the folder of the running embedded broker unusable until
// enqueueing fails, and then usable again: jobs flow again on the same connection.
func TestUnusableFolder(t *testing.T) {
	for name, cause := range folderFaults {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			broker, err := queue.StartBroker(dir)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(broker.Stop)
			running(t, func(ctx context.Context) error { return broker.Run(ctx, slog.New(slog.DiscardHandler)) })
			q, _ := queueOf(t, broker)
			l, stop := lanes(t, q)
			defer stop()
			enqueue(t, q, sample(job.Normal, 1))
			take(t, l, 1)

			repair := sync.OnceFunc(cause(t, dir))
			defer repair()
			big := sample(job.Normal, 2)
			big.Content.Text = strings.Repeat("x", 500<<10) // so that the broker soon needs a new file
			until(t, func() bool { return q.Enqueue(t.Context(), []job.Job{big}, 5) != nil })
			repair()
			took := until(t, func() bool { return q.Enqueue(t.Context(), []job.Job{sample(job.Normal, 3)}, 5) == nil })
			t.Logf("a job was enqueued again after %s", took)
			for take(t, l, 1)[0].Jobs[0].AlertID != 3 {
			}
		})
	}
}

// forbid removes the write permission of dir; as root, by another effective user.
func forbid(t *testing.T, dir string) (repair func()) {
	t.Helper()
	const nobody = 65534
	do := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		do(os.Chmod(dir, 0o700))
		do(syscall.Seteuid(nobody))
		return func() { do(syscall.Seteuid(0)) }
	}
	do(os.Chmod(dir, 0))
	return func() { do(os.Chmod(dir, 0o700)) }
}

// replace replaces the folder of the streams by a file.
func replace(t *testing.T, dir string) (repair func()) {
	t.Helper()
	streams, aside := filepath.Join(dir, "jetstream"), filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(streams, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(streams, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return func() {
		err := os.Remove(streams)
		if err == nil {
			err = os.Rename(aside, streams)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) { // the broker has created its folder again already
			t.Error(err)
		}
	}
}

// running runs a task until the test ends.
func running(t *testing.T, task func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- task(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
