package seal

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"
)

// Reload reads the seal key file again, and reports whether the keys changed. It
// returns an error, and keeps the loaded keys, if the file cannot be read, or is no
// rotated or pruned version of the loaded one. Keys from the environment never change.
func (k *Keyring) Reload() (changed bool, err error) {
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
	lk, err := k.names.loadKeys(text, k.name)
	if err != nil {
		return false, err
	}
	if !lk.isSuccessorOf(before) {
		return false, fmt.Errorf("%s holds another seal key, which does not succeed the loaded one: restore the old file, or restart to use the new one", k.name)
	}
	k.ring.Store(lk)
	close(k.changed)
	k.changed = make(chan struct{})
	return true, nil
}

// Changed returns a channel that is closed at the next change of the keys.
func (k *Keyring) Changed() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.changed
}

// WatchFile reloads the seal key file at an interval, until ctx ends. Repeated errors are
// logged once.
func (k *Keyring) WatchFile(ctx context.Context, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	lastError, sealing := "", k.Primary()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := k.Reload()
		if err != nil && err.Error() != lastError {
			log.Error("seal key file reload failed, the loaded keys stay in use", "error", err)
		}
		lastError = ""
		if err != nil {
			lastError = err.Error()
		}
		if now := k.Primary(); now != sealing {
			sealing = now
			log.Info("primary seal key changed", "file", k.name, "key", now.String())
		}
	}
}
