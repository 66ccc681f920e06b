package seal

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"
)

// Reload reads the file again and takes up what it holds, and says whether that
// is anything else. A file that cannot be read, or that is not what was there
// rotated or pruned, changes nothing. What came from the environment never
// changes.
func (k *Key) Reload() (changed bool, err error) {
	if k.path == "" {
		return false, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	text, err := readFile(k.path)
	before := k.ring.Load()
	if err != nil || sha256.Sum256(text) == before.sum {
		return false, err
	}
	r, err := readRing(text, k.name)
	if err != nil {
		return false, err
	}
	if !r.follows(before) {
		return false, fmt.Errorf("%s holds another seal key now, not the one that was there and more: put that back, or start anew to use this one", k.name)
	}
	k.ring.Store(r)
	close(k.changed)
	k.changed = make(chan struct{})
	return true, nil
}

// Changed gives a channel that is closed when something else is taken up next.
func (k *Key) Changed() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

// Follow reads the file again every so often, until ctx ends. What is wrong with
// the file it logs when that changes, not each time.
func (k *Key) Follow(ctx context.Context, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	said, sealing := "", k.Primary()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := k.Reload()
		if err != nil && err.Error() != said {
			log.Error("the seal key cannot be read again; what was read stays in use", "error", err)
		}
		said = ""
		if err != nil {
			said = err.Error()
		}
		if now := k.Primary(); now != sealing {
			sealing = now
			log.Info("another seal key is in use", "file", k.name, "key", now.String())
		}
	}
}
