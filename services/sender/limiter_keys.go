package sender

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// keyCacheSize is the number of addresses in a pipeline's key cache, of some 300 bytes each.
const keyCacheSize = 4096

// limiterAddress is the part of a task's address that determines its limiter keys.
type limiterAddress struct{ fingerprint, destination string }

// limiterKeys are the limiter keys of an address.
type limiterKeys struct{ credential, destination ratelimit.Key }

func newKeyCache() *simplelru.LRU[limiterAddress, limiterKeys] {
	known, _ := simplelru.NewLRU[limiterAddress, limiterKeys](keyCacheSize, nil) // never fails for a size above 0
	return known
}

// setLimiterKeys sets the limiter keys of a task. If the job lacks the credential fingerprint,
// it opens the credential to compute it.
func (pl *pipeline) setLimiterKeys(t *task) {
	fingerprint := t.delivery.CredentialFingerprint
	if fingerprint == "" {
		credential, err := pl.Key.OpenForOwner(t.delivery.SealedCredential, pl.owner(t))
		if err != nil {
			return
		}
		fingerprint = pl.Key.Fingerprint(pl.name, credential)
	}
	of := limiterAddress{fingerprint, t.delivery.Destination}
	all, known := pl.keyCache.Get(of)
	if !known {
		all = pl.limiterKeysOf(of)
		pl.keyCache.Add(of, all)
	}
	t.credential.Key, t.destination.Key = all.credential, all.destination
}

// limiterKeysOf returns the limiter keys of an address.
func (pl *pipeline) limiterKeysOf(of limiterAddress) limiterKeys {
	all := limiterKeys{credential: ratelimit.Key{ID: messenger.CredentialKeyID(pl.name, of.fingerprint), Rate: pl.limits.Credential}}
	if pl.limits.Destination.Limited() {
		all.destination = ratelimit.Key{ID: messenger.DestinationKeyID(pl.name, of.fingerprint, of.destination), Rate: pl.rate(true)}
	}
	return all
}
