// Package seal encrypts credentials when they enter, so that the directory, the
// queue and the ledger hold nothing that is worth stealing. It is a thin door
// over Tink's AEAD (AES-256-GCM), whose keysets can hold several keys at once:
// one seals, all open.
package seal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
)

// ErrUnknownKey says that something was sealed under a key that is not there. It
// may be on its way, where the file is given to one process after another.
var ErrUnknownKey = errors.New("the seal key does not hold it")

// An ID names one of the keys of a file. It tells nothing of the key.
type ID uint32

// String is the id as people read it.
func (id ID) String() string { return strconv.FormatUint(uint64(id), 10) }

// PrefixSize is how many bytes at the beginning of what is sealed tell under
// which key.
const PrefixSize = 5

// IDOf tells under which key something was sealed, by its first PrefixSize bytes.
func IDOf(sealed []byte) (id ID, ok bool) {
	if len(sealed) < PrefixSize || sealed[0] != forPurpose && sealed[0] != forOwner {
		return 0, false
	}
	return ID(binary.BigEndian.Uint32(sealed[1:])), true
}

// Prefix returns how all begins that is sealed under a key for addresses.
func (id ID) Prefix() []byte { return binary.BigEndian.AppendUint32([]byte{forOwner}, uint32(id)) }

// A Key seals and opens with the keys of one file, or of the environment. What is
// added to the file it takes up while it is used. It is safe for concurrent use.
type Key struct {
	name string // of the file or the variable, for people
	path string // empty where it came from the environment
	ring atomic.Pointer[ring]

	mu      sync.Mutex // held while the file is read again
	changed chan struct{}
}

// Seal encrypts a secret for one purpose, such as a messenger's name. Sealing
// the same secret twice gives different bytes.
func (k *Key) Seal(secret, purpose string) ([]byte, error) {
	sealed, err := k.ring.Load().aead.Encrypt([]byte(secret), []byte(purpose))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open decrypts what Seal sealed for the same purpose. Where it was sealed under a
// key that is not known it reads the file again, and returns ErrUnknownKey where
// that did not help. Its error holds nothing of the secret.
func (k *Key) Open(sealed []byte, purpose string) (string, error) {
	return k.open(sealed, []byte(purpose))
}

// open decrypts what Tink encrypted.
func (k *Key) open(sealed, associated []byte) (string, error) {
	r := k.ring.Load()
	id, named := IDOf(sealed)
	if named && !r.holds(id) {
		_, _ = k.Reload() // Follow tells what is wrong with the file
		if r = k.ring.Load(); !r.holds(id) {
			return "", fmt.Errorf("the credential cannot be opened: it was sealed under the key %s: %w", id, ErrUnknownKey)
		}
	}
	secret, err := r.aead.Decrypt(sealed, associated)
	if err != nil {
		return "", errors.New("the credential cannot be opened: it was sealed for another address, or it is damaged")
	}
	return string(secret), nil
}

// Fingerprint names what parts say, such as a messenger and a credential, without
// telling it: 32 characters that are the same for the same parts under the same
// file, rotated or not, and that nobody without the file can check a guess
// against.
func (k *Key) Fingerprint(parts ...string) string { return k.ring.Load().fingerprint(parts) }

// Primary is the key that seals.
func (k *Key) Primary() ID { return k.ring.Load().primary }

// Holds says whether what was sealed under a key can be opened.
func (k *Key) Holds(id ID) bool { return k.ring.Load().holds(id) }

// String names the file or the variable that the key came from.
func (k *Key) String() string { return k.name }
