package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	jobv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/job/v1"
	"github.com/bongsu-project/bongsu/internal/seal"
)

const (
	// followKey is how often the seal key file is looked at.
	followKey = 2 * time.Second
	// askCanary bounds the first question for a canary, for which a sender waits, and
	// is the pause between those that follow where nobody answers.
	askCanary = 3 * time.Second
)

// sealKey reads the seal key, and makes one where none was named and none is
// there. Only a process that both seals and opens may make one: elsewhere it would
// be another key than the one that is needed.
func (b *builder) sealKey() (_ *seal.Key, err error) {
	if b.key != nil {
		return b.key, nil
	}
	if b.config.SealKey != "" {
		b.key, err = seal.ParseKey(b.config.SealKey, "BONGSU_SEAL_KEY")
		return b.key, err
	}
	path := b.config.SealKeyFile
	if path == "" {
		path = filepath.Join(b.config.Data, "seal.key")
		if b.config.has(Group) && b.config.has(Sender) {
			if err := seal.MakeKey(path); err != nil {
				return nil, err
			}
		}
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
