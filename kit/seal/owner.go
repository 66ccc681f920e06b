package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrUnknownOwner is the error for a secret that is sealed for an owner, and opened
// without the owner's name.
var ErrUnknownOwner = errors.New("unknown owner")

// An Owner is the owner of a sealed secret: a name, and the service and the address that the
// secret is used for. The fields may hold any text. A sealed secret opens only if all three
// are the same.
type Owner struct{ Name, Service, Address string }

// The first byte of a sealed secret is its format version. The id of the seal key
// follows in both.
const (
	versionPurpose = 1 // as written by Tink
	versionOwner   = 2
)

// SealForOwner encrypts the secret of an owner. Sealing the same secret twice returns
// different bytes.
func (k *Keyring) SealForOwner(secret string, of Owner) ([]byte, error) {
	sealed, err := k.ring.Load().aead.Encrypt([]byte(secret), of.associated())
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed[0] = versionOwner
	return sealed, nil
}

// OpenForOwner decrypts the result of SealForOwner for the same owner. It also opens a secret
// that Seal encrypted for the purpose of.Service, as older versions did. Its errors are
// those of Open, and ErrUnknownOwner if the owner has no name.
func (k *Keyring) OpenForOwner(sealed []byte, of Owner) (string, error) {
	if !IsSealedForOwner(sealed) {
		return k.Open(sealed, of.Service)
	}
	plain := slices.Clone(sealed)
	plain[0] = versionPurpose
	secret, err := k.open(plain, of.associated())
	if err != nil && of.Name == "" && !errors.Is(err, ErrUnknownKey) {
		return "", fmt.Errorf("credential cannot be opened: %w", ErrUnknownOwner)
	}
	return secret, err
}

// IsSealedForOwner reports whether a secret is sealed for an owner.
func IsSealedForOwner(sealed []byte) bool { return len(sealed) > 0 && sealed[0] == versionOwner }

// associated returns the associated data that is authenticated with a secret. Each part
// is prefixed by its length, so that no two owners share it; the first word keeps it apart
// from purposes.
func (o Owner) associated() []byte {
	b := make([]byte, 0, 16+len(o.Service)+len(o.Name)+len(o.Address))
	b = append(b, "address\x00"...)
	for _, part := range [...]string{o.Service, o.Name, o.Address} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}
