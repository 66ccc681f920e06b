package auth

import (
	"context"
	"crypto/subtle"
	"net/netip"
	"slices"
	"time"
)

// A StoredKey is an API key as its store holds it.
type StoredKey struct {
	Caller           Caller
	SecretHash       []byte         // as HashSecret returns it
	ExpireTime       time.Time      // zero for never
	RevokeTime       time.Time      // zero if it is not revoked
	AllowedAddresses []netip.Prefix // from which it is accepted; empty for all
}

// A KeyFinder finds API keys.
type KeyFinder interface {
	// FindKey returns the key with an id; a revoked or expired one, too. It returns an error
	// that matches fault.ErrNotFound if no key has the id. Any other error means that the
	// store cannot be asked now. It may be called concurrently.
	FindKey(ctx context.Context, id string) (StoredKey, error)
}

// check returns a Refusal unless a caller with a secret at an address may use the key now.
// Only a caller with the right secret learns why.
func (k *StoredKey) check(secretHash []byte, client netip.Addr, now time.Time) error {
	switch {
	case subtle.ConstantTimeCompare(secretHash, k.SecretHash) != 1:
		return &Refusal{Reason: WrongSecret, Text: invalidKey, Caller: k.Caller.ID}
	case !k.RevokeTime.IsZero():
		return &Refusal{Reason: RevokedKey, Text: "API key revoked", Caller: k.Caller.ID}
	case !k.ExpireTime.IsZero() && !now.Before(k.ExpireTime):
		return &Refusal{Reason: ExpiredKey, Text: "API key expired", Caller: k.Caller.ID}
	case !k.allows(client):
		return &Refusal{Reason: WrongAddress, Text: "API key not allowed from this address", Caller: k.Caller.ID}
	}
	return nil
}

// invalidKey is the text for an unknown key and for a wrong secret: it does not reveal
// which keys exist.
const invalidKey = "invalid API key"

// allows reports whether the key is accepted from an address; an invalid address is
// accepted only by a key without allowed addresses.
func (k *StoredKey) allows(client netip.Addr) bool {
	client = client.Unmap().WithZone("")
	return len(k.AllowedAddresses) == 0 || slices.ContainsFunc(k.AllowedAddresses, func(p netip.Prefix) bool { return p.Contains(client) })
}
