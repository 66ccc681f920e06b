package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/seal"
	"github.com/bongsu-project/bongsu/internal/store/ledger"
	"github.com/bongsu-project/bongsu/services/group"
)

const (
	// followKey is how often the seal key file is looked at.
	followKey = 2 * time.Second
	// askCanary bounds the first question for a canary, for which a sender waits, and
	// is the pause between those that follow where nobody answers.
	askCanary = 3 * time.Second
)

// makeKey makes a seal key where none was named and none is there. Only a process that
// both seals and opens may make one: elsewhere it would be another key than the one that
// is needed. Where something is sealed already, its key was lost, and another would not
// help: nothing is made then.
func (b *builder) makeKey(ctx context.Context, people group.Sealing) error {
	if b.config.SealKey != "" || b.config.SealKeyFile != "" || !b.config.has(Sender) {
		return nil
	}
	path := b.keyPath()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sealed, err := people.Seals(ctx)
	if err != nil {
		return err
	}
	addresses := 0
	for _, s := range sealed {
		addresses += s.Count
	}
	deliveries, err := b.sealedDeliveries(ctx)
	if err != nil {
		return err
	}
	if addresses+deliveries > 0 {
		return fmt.Errorf("there is no seal key at %s, and %d addresses and %d deliveries that have not ended are sealed: "+
			"put the file back, or say with --seal-key-file where it is; if it is lost, make another with `bongsu key make %s` and set the credentials anew", path, addresses, deliveries, path)
	}
	return seal.MakeKey(path)
}

// sealedDeliveries returns how many deliveries of this process's ledger have not ended.
func (b *builder) sealedDeliveries(ctx context.Context) (n int, err error) {
	if !b.config.has(Alert) {
		return 0, nil
	}
	store, err := ledger.Open(ctx, b.config.LedgerURL, b.config.Now)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	seals, err := store.Seals(ctx)
	for _, s := range seals {
		n += s.Count
	}
	return n, err
}

// keyPath returns where the seal key file is.
func (b *builder) keyPath() string {
	if b.config.SealKeyFile != "" {
		return b.config.SealKeyFile
	}
	return filepath.Join(b.config.Data, "seal.key")
}

// sealKey reads the seal key, and removes what writing it may have left beside it.
func (b *builder) sealKey() (_ *seal.Key, err error) {
	if b.key != nil {
		return b.key, nil
	}
	if b.config.SealKey != "" {
		b.key, err = seal.ParseKey(b.config.SealKey, "BONGSU_SEAL_KEY")
		return b.key, err
	}
	path := b.keyPath()
	switch removed, err := seal.Sweep(path, time.Now()); {
	case err != nil:
		b.log.Warn("leftovers of the seal key cannot be removed; they hold keys", "error", err)
	case len(removed) > 0:
		b.log.Info("leftovers of the seal key were removed", "files", removed)
	}
	key, err := seal.ReadKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no seal key at %s: the group service and the senders need the same one; make it once with `bongsu key make %s`, and give it to each with --seal-key-file", path, path)
	}
	if err != nil {
		return nil, err
	}
	b.key = key
	b.stages[last] = append(b.stages[last], func(ctx context.Context) error {
		key.Follow(ctx, followKey, b.log)
		return nil
	})
	return key, nil
}

// sameKey says whether a sender can open what the group service seals. Where nobody
// answers yet it asks on while the process runs, which ends where the answer is no.
func (b *builder) sameKey(ctx context.Context, key *seal.Key) error {
	asking, cancel := context.WithTimeout(ctx, askCanary)
	defer cancel()
	said, err := b.dispatch.GetCanary(asking, &jobv1.GetCanaryRequest{})
	if err == nil {
		return key.Check(said.GetCanary())
	}
	b.stages[accept] = append(b.stages[accept], func(ctx context.Context) error {
		tick := time.NewTicker(askCanary)
		defer tick.Stop()
		for {
			if said, err := b.dispatch.GetCanary(ctx, &jobv1.GetCanaryRequest{}); err == nil {
				return key.Check(said.GetCanary())
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
	return nil
}
