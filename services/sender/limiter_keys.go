package sender

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/seal"
)

// limiterKeyCacheSize is the number of addresses whose limiter keys are kept, of some 300
// bytes each.
const limiterKeyCacheSize = 4096

// limiterKeys determines the limiter keys of tasks, and caches them by address. Only the
// plan stage uses it: it is not safe for concurrent use.
type limiterKeys struct {
	messenger string
	limits    messenger.Limits
	key       *seal.Keyring
	cache     *simplelru.LRU[limiterAddress, addressKeys]
}

// limiterAddress is the part of a task's address that determines its limiter keys.
type limiterAddress struct{ fingerprint, destination string }

// addressKeys are the limiter keys of an address.
type addressKeys struct{ credential, destination ratelimit.Key }

func newLimiterKeys(name string, limits messenger.Limits, key *seal.Keyring) *limiterKeys {
	cache, _ := simplelru.NewLRU[limiterAddress, addressKeys](limiterKeyCacheSize, nil) // never fails for a size above 0
	return &limiterKeys{messenger: name, limits: limits, key: key, cache: cache}
}

// set sets the limiter keys of a task. If the job lacks the credential fingerprint, it opens
// the credential to compute it.
func (k *limiterKeys) set(t *task) {
	fingerprint := t.delivery.CredentialFingerprint
	if fingerprint == "" {
		credential, err := k.key.OpenForOwner(t.delivery.SealedCredential, t.owner(k.messenger))
		if err != nil {
			return
		}
		fingerprint = k.key.Fingerprint(k.messenger, credential)
	}
	address := limiterAddress{fingerprint, t.delivery.Destination}
	keys, ok := k.cache.Get(address)
	if !ok {
		keys = k.of(address)
		k.cache.Add(address, keys)
	}
	t.credential.Key, t.destination.Key = keys.credential, keys.destination
}

// of returns the limiter keys of an address.
func (k *limiterKeys) of(address limiterAddress) addressKeys {
	keys := addressKeys{credential: ratelimit.Key{ID: messenger.CredentialKeyID(k.messenger, address.fingerprint), Rate: k.limits.Credential}}
	if k.limits.Destination.Limited() {
		keys.destination = ratelimit.Key{ID: messenger.DestinationKeyID(k.messenger, address.fingerprint, address.destination), Rate: destinationRate(k.limits)}
	}
	return keys
}

// destinationRate returns the rate limit of a destination, or none if that of the credential
// implies it: then the slots of the credential suffice.
func destinationRate(limits messenger.Limits) ratelimit.Rate {
	if limits.Credential.Implies(limits.Destination) {
		return ratelimit.Rate{}
	}
	return limits.Destination
}
