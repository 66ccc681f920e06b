package directory

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// SealStore counts addresses by seal key, and reseals them.
type SealStore interface {
	// CountBySealKey counts addresses by the first seal.PrefixSize bytes of their
	// SealedCredential, and returns the counts sorted by that prefix.
	CountBySealKey(ctx context.Context) ([]SealCount, error)
	// SealedUnderOtherKeys returns addresses by id, with their users' nicknames, whose
	// SealedCredential does not begin with prefix, which has seal.PrefixSize bytes:
	// those with an id above after, at most limit of them.
	SealedUnderOtherKeys(ctx context.Context, prefix []byte, after, limit int) ([]Recipient, error)
	// Reseal replaces the SealedCredential of addresses, and returns how many it
	// replaced. It must skip an address whose SealedCredential is no longer From.
	Reseal(ctx context.Context, resealed []ResealedAddress) (int, error)
}

// A SealCount is the number of addresses under one seal key.
type SealCount struct {
	Prefix []byte
	Count  int
}

// A ResealedAddress is the replacement of the sealed credential of an address.
type ResealedAddress struct {
	AddressID int
	From, To  []byte
}

const (
	// resealBatch is the batch size of resealing, in addresses per transaction.
	resealBatch = 500
	// resealRetryDelay is the retry delay after the directory returned an error.
	resealRetryDelay = 30 * time.Second
)

// CheckSealKey checks that key opens the credentials of the directory. It returns an error
// if the keyring opens none of them. If it lacks the seal key of some, their number is
// logged: the other users can still be notified.
func CheckSealKey(ctx context.Context, d SealStore, key *seal.Keyring, log *slog.Logger) error {
	seals, err := d.CountBySealKey(ctx)
	if err != nil {
		return err
	}
	lost, all := 0, 0
	var why error
	for _, s := range seals {
		all += s.Count
		if id, ok := seal.KeyIDOf(s.Prefix); ok && !key.Has(id) {
			lost += s.Count
			why = fmt.Errorf("%d credentials in the directory cannot be opened with %s: they are sealed under seal key %s", s.Count, key, id)
			log.Error("credentials cannot be opened; use the seal key file that holds their key, or replace them", "file", key.String(), "key", id.String(), "addresses", s.Count)
		}
	}
	if lost == all && why != nil {
		return fmt.Errorf("%w; set --seal-key-file to the file that holds it", why)
	}
	return nil
}

// RunReseal reseals under the primary of key all credentials that are sealed
// otherwise, now and whenever key changes, until ctx ends. Several processes may run it
// concurrently.
func RunReseal(ctx context.Context, d SealStore, key *seal.Keyring, log *slog.Logger) {
	for {
		changed := key.Changed()
		var again <-chan time.Time
		if err := resealOnce(ctx, d, key, log); err != nil && ctx.Err() == nil {
			log.Warn("reseal failed, will retry", "error", err)
			again = time.After(resealRetryDelay)
		}
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// resealOnce reseals all credentials that are not sealed under the primary, in batches.
func resealOnce(ctx context.Context, d SealStore, key *seal.Keyring, log *slog.Logger) error {
	primary, done, lost := key.Primary(), 0, 0
	for after := 0; ; {
		some, err := d.SealedUnderOtherKeys(ctx, primary.Prefix(), after, resealBatch)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		after = some[len(some)-1].Address.ID
		resealed := make([]ResealedAddress, 0, len(some))
		for _, r := range some {
			to, err := resealFor(key, r, r.owner())
			if err != nil {
				lost++
				continue
			}
			resealed = append(resealed, ResealedAddress{AddressID: r.Address.ID, From: r.Address.SealedCredential, To: to})
		}
		n, err := d.Reseal(ctx, resealed)
		if err != nil {
			return err
		}
		done += n
	}
	if done > 0 {
		log.Info("credentials resealed under the primary seal key", "key", primary.String(), "addresses", done)
	}
	if lost > 0 {
		log.Error("credentials not resealed, because they cannot be opened", "key", primary.String(), "addresses", lost)
	}
	return nil
}

// owner returns the owner that the credential of an address is sealed for.
func (r Recipient) owner() seal.Owner {
	return seal.Owner{Name: r.Nickname, Service: r.Address.Messenger, Address: r.Address.Destination}
}

// resealFor reseals the credential of an address for another owner, under the primary.
func resealFor(key *seal.Keyring, r Recipient, to seal.Owner) ([]byte, error) {
	credential, err := key.OpenForOwner(r.Address.SealedCredential, r.owner())
	if err != nil {
		return nil, err
	}
	return key.SealForOwner(credential, to)
}

// resealWith returns a Reseal for owners that change modifies. A credential that cannot
// be opened stays unchanged: it was unusable before, and must not block the change.
func resealWith(key *seal.Keyring, change func(*seal.Owner)) ResealFunc {
	return func(r Recipient) ([]byte, error) {
		to := r.owner()
		change(&to)
		if sealed, err := resealFor(key, r, to); err == nil {
			return sealed, nil
		}
		return r.Address.SealedCredential, nil
	}
}
