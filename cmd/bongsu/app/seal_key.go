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
	"github.com/bongsu-project/bongsu/internal/sealkey"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/alert/ledger"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/monitor"
	monitorstore "github.com/bongsu-project/bongsu/services/monitor/store"
)

const (
	// keyFileInterval is the interval at which the seal key file is checked for changes.
	keyFileInterval = 2 * time.Second
	// canaryInterval is the timeout of the first request for the canary, for which a sender
	// waits, and the interval of retries.
	canaryInterval = 3 * time.Second
)

// createKeyFile creates the seal key file if none is configured and the default one is
// missing. Only a process that both seals and opens may create one: elsewhere it would
// differ from the key that is needed. It refuses to create one if sealed credentials
// exist in the databases of this process: their key is lost, and a new one would not open them.
func (b *builder) createKeyFile(ctx context.Context, people directory.SealStore) error {
	if b.config.SealKey != "" || b.config.SealKeyFile != "" || !b.config.has(Sender) {
		return nil
	}
	path := b.sealKeyPath()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	sealed, err := people.CountBySealKey(ctx)
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
	monitors, err := b.sealedMonitors(ctx)
	if err != nil {
		return err
	}
	if addresses+deliveries+monitors > 0 {
		return fmt.Errorf("no seal key at %s, but %d addresses, %d deliveries that are not completed or callback endpoints, and %d monitors are sealed: "+
			"restore the file, or set --seal-key-file; if it is lost, create a new one with `bongsu seal-key make %s` and set the credentials again", path, addresses, deliveries, monitors, path)
	}
	return sealkey.Format.CreateKeyFile(path)
}

// sealedDeliveries returns the number of deliveries in this process's ledger that are
// not completed, and of callback endpoints.
func (b *builder) sealedDeliveries(ctx context.Context) (n int, err error) {
	if !b.config.has(Alert) {
		return 0, nil
	}
	store, err := ledger.Open(ctx, b.config.Alert.LedgerURL, b.config.Now)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	seals, err := store.CountBySealKey(ctx)
	for _, s := range seals {
		n += s.Count + s.Callbacks
	}
	return n, err
}

// sealedMonitors returns the number of monitors with secrets in this process's database.
func (b *builder) sealedMonitors(ctx context.Context) (n int, err error) {
	if !b.config.has(Monitor) {
		return 0, nil
	}
	store, err := monitorstore.Open(ctx, b.config.Monitor.DatabaseURL)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	seals, err := monitor.CountBySealKey(ctx, store)
	for _, s := range seals {
		n += s.Count
	}
	return n, err
}

// sealKeyPath returns the path of the seal key file.
func (b *builder) sealKeyPath() string {
	if b.config.SealKeyFile != "" {
		return b.config.SealKeyFile
	}
	return filepath.Join(b.config.Data, "seal.key")
}

// openKeyring opens the keyring once, and removes temporary files that an interrupted write
// left beside the seal key file.
func (b *builder) openKeyring() (_ *seal.Keyring, err error) {
	if b.keyring != nil {
		return b.keyring, nil
	}
	if b.config.SealKey != "" {
		b.keyring, err = sealkey.Format.ParseKeyring(b.config.SealKey, "BONGSU_SEAL_KEY")
		return b.keyring, err
	}
	path := b.sealKeyPath()
	switch removed, err := seal.RemoveLeftovers(path, time.Now()); {
	case err != nil:
		b.log.Warn("removing temporary seal key files failed; they hold keys", "error", err)
	case len(removed) > 0:
		b.log.Info("removed temporary seal key files", "files", removed)
	}
	key, err := sealkey.Format.ReadKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no seal key at %s: the directory service and the senders need the same one; create it once with `bongsu seal-key make %s`, and set --seal-key-file in each", path, path)
	}
	if err != nil {
		return nil, err
	}
	b.keyring = key
	b.shutdownStages[stageLimiter] = append(b.shutdownStages[stageLimiter], func(ctx context.Context) error {
		key.WatchFile(ctx, keyFileInterval, b.log)
		return nil
	})
	return key, nil
}

// checkSealKey checks that a sender can open the credentials that the directory service
// seals. If the canary is not available it retries in the background, and a failed
// check then stops the process.
func (b *builder) checkSealKey(ctx context.Context, key *seal.Keyring) error {
	asking, cancel := context.WithTimeout(ctx, canaryInterval)
	defer cancel()
	res, err := b.dispatch.GetCanary(asking, &jobv1.GetCanaryRequest{})
	if err == nil {
		return key.CheckCanary(res.GetCanary())
	}
	b.shutdownStages[stageServe] = append(b.shutdownStages[stageServe], func(ctx context.Context) error {
		tick := time.NewTicker(canaryInterval)
		defer tick.Stop()
		for {
			if res, err := b.dispatch.GetCanary(ctx, &jobv1.GetCanaryRequest{}); err == nil {
				return key.CheckCanary(res.GetCanary())
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
