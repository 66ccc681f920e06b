package sender

import (
	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/bongsu-project/bongsu/internal/pace"
)

// identified is the number of addresses in a pipeline's key cache, of some 300 bytes each.
const identified = 4096

// address is the part of a task's address that determines its limiter keys.
type address struct{ fingerprint, destination string }

// keys are the limiter keys of an address.
type keys struct{ credential, destination pace.Key }

func newIdentified() *simplelru.LRU[address, keys] {
	known, _ := simplelru.NewLRU[address, keys](identified, nil) // never fails for a size above 0
	return known
}

// identify sets the limiter keys of a task. If the job lacks the credential fingerprint,
// it opens the credential to compute it.
func (l *lane) identify(t *task) {
	fingerprint := t.delivery.CredentialKey
	if fingerprint == "" {
		credential, err := l.Key.OpenFor(t.delivery.SealedCredential, l.owner(t))
		if err != nil {
			return
		}
		fingerprint = l.Key.Fingerprint(l.name, credential)
	}
	of := address{fingerprint, t.delivery.Destination}
	all, known := l.identified.Get(of)
	if !known {
		all = l.keys(of)
		l.identified.Add(of, all)
	}
	t.credential.Key, t.destination.Key = all.credential, all.destination
}

// keys returns the limiter keys of an address.
func (l *lane) keys(of address) keys {
	all := keys{credential: pace.Key{ID: pace.CredentialID(l.name, of.fingerprint), Rate: l.limits.Credential}}
	if l.limits.Destination.Limited() {
		all.destination = pace.Key{ID: pace.DestinationID(l.name, of.fingerprint, of.destination), Rate: l.rate(true)}
	}
	return all
}
