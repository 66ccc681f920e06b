// Package seal encrypts secrets, so that databases and queues hold none in the clear. A
// secret is sealed for a purpose or an owner, and opens for no other. The keys are in a file
// that can be rotated while processes use it.
//
// It wraps the AEAD of Tink (AES-256-GCM), whose keysets can hold several keys: the primary
// seals, all open.
package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
)

// ErrUnknownKey is the error for a secret under a seal key that is not loaded. The
// file may be on its way, if it is distributed to one process after another.
var ErrUnknownKey = errors.New("unknown seal key")

// A KeyID identifies a seal key of a file. It reveals nothing of the key.
type KeyID uint32

// String returns the id in decimal.
func (id KeyID) String() string { return strconv.FormatUint(uint64(id), 10) }

// PrefixSize is the number of bytes at the beginning of a sealed secret that
// identify its format and seal key.
const PrefixSize = 5

// KeyIDOf returns the id of the seal key of a sealed secret, from its first PrefixSize
// bytes.
func KeyIDOf(sealed []byte) (id KeyID, ok bool) {
	if len(sealed) < PrefixSize || sealed[0] != versionPurpose && sealed[0] != versionOwner {
		return 0, false
	}
	return KeyID(binary.BigEndian.Uint32(sealed[1:])), true
}

// Prefix returns the first PrefixSize bytes of every secret that is sealed for an owner
// under the key.
func (id KeyID) Prefix() []byte {
	return binary.BigEndian.AppendUint32([]byte{versionOwner}, uint32(id))
}

// A Keyring seals and opens with the keys of one seal key file, or of the environment. It
// loads keys that are added to the file while it is in use. It is safe for concurrent
// use.
type Keyring struct {
	names FileFormat

	name string // of the file or the variable, for messages
	path string // empty for the environment
	ring atomic.Pointer[loadedKeys]

	mu      sync.Mutex // held during a reload
	changed chan struct{}
}

// Seal encrypts a secret for one purpose, which may be any text. Sealing the same secret
// twice returns different bytes.
func (k *Keyring) Seal(secret, purpose string) ([]byte, error) {
	sealed, err := k.ring.Load().aead.Encrypt([]byte(secret), []byte(purpose))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open decrypts the result of Seal for the same purpose. If the seal key is not loaded,
// it reloads the file, and returns ErrUnknownKey if the file lacks it too. Its errors
// hold nothing of the secret.
func (k *Keyring) Open(sealed []byte, purpose string) (string, error) {
	return k.open(sealed, []byte(purpose))
}

// open decrypts a Tink ciphertext.
func (k *Keyring) open(sealed, associated []byte) (string, error) {
	lk := k.ring.Load()
	id, named := KeyIDOf(sealed)
	if named && !lk.has(id) {
		_, _ = k.Reload() // WatchFile logs errors of the file
		if lk = k.ring.Load(); !lk.has(id) {
			return "", fmt.Errorf("credential cannot be opened: sealed under key %s: %w", id, ErrUnknownKey)
		}
	}
	secret, err := lk.aead.Decrypt(sealed, associated)
	if err != nil {
		return "", errors.New("credential cannot be opened: sealed for another address, or damaged")
	}
	return string(secret), nil
}

// Fingerprint returns a keyed hash of parts, such as the name of a service and a secret: 32
// characters that are the same for the same parts under the same file, rotated or not.
// It reveals nothing of the parts, and without the file no guess can be verified
// against it.
func (k *Keyring) Fingerprint(parts ...string) string { return k.ring.Load().fingerprint(parts) }

// Primary returns the id of the primary seal key.
func (k *Keyring) Primary() KeyID { return k.ring.Load().primary }

// Has reports whether a seal key is loaded.
func (k *Keyring) Has(id KeyID) bool { return k.ring.Load().has(id) }

// String returns the name of the file or the variable of the keys.
func (k *Keyring) String() string { return k.name }
