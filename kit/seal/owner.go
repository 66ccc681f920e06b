package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrUnknownOwner is the error for a credential that is sealed for an address, and
// opened without the nickname of its owner.
var ErrUnknownOwner = errors.New("unknown owner")

// An Owner is the address that a credential is sealed for. A sealed credential opens
// for no other user, messenger or destination.
type Owner struct{ Nickname, Messenger, Destination string }

// The first byte of a sealed credential is its format version. The id of the seal key
// follows in both.
const (
	versionPurpose = 1 // as written by Tink
	versionOwner   = 2
)

// SealForOwner encrypts the credential of an address. Sealing the same credential twice
// returns different bytes.
func (k *Keyring) SealForOwner(credential string, of Owner) ([]byte, error) {
	sealed, err := k.ring.Load().aead.Encrypt([]byte(credential), of.associated())
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed[0] = versionOwner
	return sealed, nil
}

// OpenForOwner decrypts the result of SealForOwner for the same owner. It also opens credentials
// that older versions sealed for the messenger alone. Its errors are those of Open, and
// ErrUnknownOwner if the owner has no nickname.
func (k *Keyring) OpenForOwner(sealed []byte, of Owner) (string, error) {
	if !IsSealedForOwner(sealed) {
		return k.Open(sealed, of.Messenger)
	}
	plain := slices.Clone(sealed)
	plain[0] = versionPurpose
	credential, err := k.open(plain, of.associated())
	if err != nil && of.Nickname == "" && !errors.Is(err, ErrUnknownKey) {
		return "", fmt.Errorf("credential cannot be opened: %w", ErrUnknownOwner)
	}
	return credential, err
}

// IsSealedForOwner reports whether a credential is sealed for an address.
func IsSealedForOwner(sealed []byte) bool { return len(sealed) > 0 && sealed[0] == versionOwner }

// associated returns the associated data that is authenticated with a credential. Each
// part is prefixed by its length, so that no two owners share it; the first word is no
// messenger's name.
func (o Owner) associated() []byte {
	b := make([]byte, 0, 16+len(o.Messenger)+len(o.Nickname)+len(o.Destination))
	b = append(b, "address\x00"...)
	for _, part := range [...]string{o.Messenger, o.Nickname, o.Destination} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}
