package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrUnknownOwner says that something sealed for an address cannot be opened where it is
// not known whose address that is.
var ErrUnknownOwner = errors.New("it is not known whose address it was sealed for")

// An Owner is the address that a credential is sealed for. What was sealed for one opens
// for no other user, messenger or destination.
type Owner struct{ Nickname, Messenger, Destination string }

// The first byte of what is sealed tells for what. Both are followed by the key's id.
const (
	forPurpose = 1 // as Tink writes it
	forOwner   = 2
)

// SealFor encrypts the credential of an address. Sealing the same credential twice gives
// different bytes.
func (k *Key) SealFor(credential string, of Owner) ([]byte, error) {
	sealed, err := k.ring.Load().aead.Encrypt([]byte(credential), of.associated())
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed[0] = forOwner
	return sealed, nil
}

// OpenFor decrypts what SealFor sealed for the same owner, and what was sealed for the
// messenger alone, as all was before credentials were sealed for addresses. Its errors
// are those of Open, and ErrUnknownOwner where the owner's nickname is missing.
func (k *Key) OpenFor(sealed []byte, of Owner) (string, error) {
	if !SealedForOwner(sealed) {
		return k.Open(sealed, of.Messenger)
	}
	plain := slices.Clone(sealed)
	plain[0] = forPurpose
	credential, err := k.open(plain, of.associated())
	if err != nil && of.Nickname == "" && !errors.Is(err, ErrUnknownKey) {
		return "", fmt.Errorf("the credential cannot be opened: %w", ErrUnknownOwner)
	}
	return credential, err
}

// SealedForOwner reports whether something was sealed for an address.
func SealedForOwner(sealed []byte) bool { return len(sealed) > 0 && sealed[0] == forOwner }

// associated returns what is authenticated with a credential. Each part stands behind its
// length, so that no two owners share it; and behind a word that no messenger is named.
func (o Owner) associated() []byte {
	b := make([]byte, 0, 16+len(o.Messenger)+len(o.Nickname)+len(o.Destination))
	b = append(b, "address\x00"...)
	for _, part := range [...]string{o.Messenger, o.Nickname, o.Destination} {
		b = binary.AppendUvarint(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}
