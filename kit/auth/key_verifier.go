package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"

	"github.com/bongsu-project/bongsu/kit/fault"
)

const (
	// maxCacheAge is how long a credential is accepted or refused without another look-up,
	// from the beginning of the one before: a revoked key is refused within this time.
	maxCacheAge = 5 * time.Second
	// maxCached is the maximum number of cached keys, of cached unknown ids, and of cached
	// tokens.
	maxCached = 10_000
	// findTimeout is the timeout of a look-up of a key.
	findTimeout = 5 * time.Second
)

// A KeyVerifier verifies API keys. It caches them for 5 s. Its methods may be called
// concurrently.
type KeyVerifier struct {
	finder  KeyFinder
	uses    *KeyUses // nil if uses are not recorded
	now     func() time.Time
	found   *lru.Cache[string, *cachedKey]
	unknown *lru.Cache[string, time.Time] // by id: the beginning of the look-up
	finds   singleflight.Group
}

// A cachedKey is a key that was found.
type cachedKey struct {
	StoredKey
	time time.Time   // the beginning of the look-up
	used atomic.Bool // its use is recorded: once for each look-up is often enough
}

// NewKeyVerifier returns a verifier of the keys of finder, which records their uses in uses,
// if that is not nil.
func NewKeyVerifier(finder KeyFinder, uses *KeyUses, now func() time.Time) *KeyVerifier {
	found, _ := lru.New[string, *cachedKey](maxCached) // fails only for a size of 0
	unknown, _ := lru.New[string, time.Time](maxCached)
	return &KeyVerifier{finder: finder, uses: uses, now: now, found: found, unknown: unknown}
}

// Verify returns the caller with an API key at an address. It returns a *Refusal if the key
// is not accepted, and any other error if that cannot be decided now, because the key is not
// in the cache and its store is unavailable.
func (v *KeyVerifier) Verify(ctx context.Context, key string, client netip.Addr) (Caller, error) {
	id, secret, ok := ParseKey(key)
	if !ok {
		return Caller{}, &Refusal{Reason: Malformed, Text: invalidKey}
	}
	cached, err := v.find(ctx, id)
	if err != nil {
		return Caller{}, err
	}
	now := v.now()
	if err := cached.check(HashSecret(secret), client, now); err != nil {
		return Caller{}, err
	}
	if v.uses != nil && !cached.used.Load() && cached.used.CompareAndSwap(false, true) {
		v.uses.Add(id, now)
	}
	return cached.Caller, nil
}

// find returns a key from the cache or its store.
func (v *KeyVerifier) find(ctx context.Context, id string) (*cachedKey, error) {
	if cached, ok := v.found.Get(id); ok && v.isFresh(cached.time) {
		return cached, nil
	}
	if from, ok := v.unknown.Get(id); ok && v.isFresh(from) {
		return nil, &Refusal{Reason: UnknownKey, Text: invalidKey}
	}
	// Callers with one key share a look-up. One that is gone does not end it for the others.
	found := v.finds.DoChan(id, func() (any, error) { return v.look(context.WithoutCancel(ctx), id) })
	select {
	case result := <-found:
		cached, _ := result.Val.(*cachedKey)
		return cached, result.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// look returns a key from its store, and caches it.
func (v *KeyVerifier) look(ctx context.Context, id string) (*cachedKey, error) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	begin := v.now()
	stored, err := v.finder.FindKey(ctx, id)
	switch {
	case errors.Is(err, fault.ErrNotFound):
		v.found.Remove(id)
		v.unknown.Add(id, begin)
		return nil, &Refusal{Reason: UnknownKey, Text: invalidKey}
	case err != nil:
		return nil, fmt.Errorf("find API key: %w", err)
	}
	cached := &cachedKey{StoredKey: stored, time: begin}
	v.found.Add(id, cached)
	return cached, nil
}

// isFresh reports whether a look-up that began at a time is still used. A clock that was
// set back makes it stale.
func (v *KeyVerifier) isFresh(begin time.Time) bool {
	age := v.now().Sub(begin)
	return age >= 0 && age < maxCacheAge
}
