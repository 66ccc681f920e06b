package group

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/internal/seal"
)

// Sealing tells what the credentials of addresses are sealed under, and seals them
// anew.
type Sealing interface {
	// Seals counts addresses by how their SealedCredential begins, by its first
	// seal.PrefixSize bytes, in the order of those.
	Seals(ctx context.Context) ([]Seal, error)
	// SealedOtherwise returns addresses by id, with their users' nicknames, whose
	// SealedCredential does not begin with prefix, which has seal.PrefixSize bytes:
	// those after the id after, at most limit of them.
	SealedOtherwise(ctx context.Context, prefix []byte, after, limit int) ([]Recipient, error)
	// Reseal gives addresses other SealedCredentials, and says how many. It must
	// leave one alone whose SealedCredential is not From any more.
	Reseal(ctx context.Context, resealed []Resealed) (int, error)
}

// A Seal is what is sealed under one key.
type Seal struct {
	Prefix []byte
	Count  int
}

// A Resealed is an address whose credential was sealed anew.
type Resealed struct {
	AddressID int
	From, To  []byte
}

const (
	// resealTogether is how many addresses are sealed anew in one transaction.
	resealTogether = 500
	// resealAgain is the pause after which it is tried again where the directory did
	// not answer.
	resealAgain = 30 * time.Second
)

// CheckSeal says whether key is that of what the directory holds. A file that opens
// nothing of it is the wrong one. Where it opens some and lacks the key of others,
// those are logged: the rest can still be told.
func CheckSeal(ctx context.Context, d Sealing, key *seal.Key, log *slog.Logger) error {
	seals, err := d.Seals(ctx)
	if err != nil {
		return err
	}
	lost, all := 0, 0
	var why error
	for _, s := range seals {
		all += s.Count
		if id, ok := seal.IDOf(s.Prefix); ok && !key.Holds(id) {
			lost += s.Count
			why = fmt.Errorf("%d of the addresses in the directory cannot be opened with the seal key of %s: they were sealed under the key %s", s.Count, key, id)
			log.Error("credentials cannot be opened: give the file that holds their key, or set them anew", "file", key.String(), "key", id.String(), "addresses", s.Count)
		}
	}
	if lost == all && why != nil {
		return fmt.Errorf("%w; give the file that holds it with --seal-key-file", why)
	}
	return nil
}

// KeepSealed seals under key's primary what is sealed otherwise, now and whenever
// key changes, until ctx ends. Several processes may do so at once.
func KeepSealed(ctx context.Context, d Sealing, key *seal.Key, log *slog.Logger) {
	for {
		changed := key.Changed()
		var again <-chan time.Time
		if err := reseal(ctx, d, key, log); err != nil && ctx.Err() == nil {
			log.Warn("not all addresses could be sealed under the present key; trying again later", "error", err)
			again = time.After(resealAgain)
		}
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// reseal seals anew what is sealed otherwise, some at a time.
func reseal(ctx context.Context, d Sealing, key *seal.Key, log *slog.Logger) error {
	primary, done, lost := key.Primary(), 0, 0
	for after := 0; ; {
		some, err := d.SealedOtherwise(ctx, primary.Prefix(), after, resealTogether)
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		after = some[len(some)-1].Address.ID
		resealed := make([]Resealed, 0, len(some))
		for _, r := range some {
			to, err := resealFor(key, r, r.owner())
			if err != nil {
				lost++
				continue
			}
			resealed = append(resealed, Resealed{AddressID: r.Address.ID, From: r.Address.SealedCredential, To: to})
		}
		n, err := d.Reseal(ctx, resealed)
		if err != nil {
			return err
		}
		done += n
	}
	if done > 0 {
		log.Info("addresses were sealed under the present key", "key", primary.String(), "addresses", done)
	}
	if lost > 0 {
		log.Error("addresses cannot be sealed under the present key, for their own cannot be opened", "key", primary.String(), "addresses", lost)
	}
	return nil
}

// owner returns whom the credential of an address is sealed for.
func (r Recipient) owner() seal.Owner {
	return seal.Owner{Nickname: r.Nickname, Messenger: r.Address.Messenger, Destination: r.Address.Destination}
}

// resealFor seals an address's credential for another owner, under the primary.
func resealFor(key *seal.Key, r Recipient, to seal.Owner) ([]byte, error) {
	credential, err := key.OpenFor(r.Address.SealedCredential, r.owner())
	if err != nil {
		return nil, err
	}
	return key.SealFor(credential, to)
}

// resealing returns a Reseal for owners that change says. A credential that cannot be
// opened stays as it is: it could not be used before, and hinders no change.
func resealing(key *seal.Key, change func(*seal.Owner)) Reseal {
	return func(r Recipient) ([]byte, error) {
		to := r.owner()
		change(&to)
		if sealed, err := resealFor(key, r, to); err == nil {
			return sealed, nil
		}
		return r.Address.SealedCredential, nil
	}
}
