// Package seal encrypts credentials when they enter, so that the directory, the
// queue and the ledger hold nothing that is worth stealing. It is a thin door
// over Tink's AEAD (AES-256-GCM), whose keysets can hold several keys at once.
package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// A Key seals and opens. It is safe for concurrent use.
type Key struct {
	aead tink.AEAD
	mark []byte // the key of fingerprints
}

// ReadKey reads the key that MakeKey wrote. A file that is not there is
// fs.ErrNotExist.
func ReadKey(path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the seal key: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return nil, fmt.Errorf("%s holds no seal key (a Tink keyset as JSON)", path) // err may quote the file
	}
	a, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("%s holds a seal key of another use than AEAD", path)
	}
	mark, err := hkdf.Key(sha256.New, text, nil, "bongsu fingerprints", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of fingerprints: %w", err)
	}
	return &Key{aead: a, mark: mark}, nil
}

// Fingerprint names what parts say, such as a messenger and a credential, without
// telling it: 32 characters that are the same for the same parts under the same
// key, and that nobody without the key can check a guess against.
func (k *Key) Fingerprint(parts ...string) string {
	h := hmac.New(sha256.New, k.mark)
	for _, p := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(p))) // a hash takes all
		_, _ = io.WriteString(h, p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// MakeKey makes a new key and writes it to path with mode 0600, whole or not at
// all. Where path is there already, even made by another process just now, it
// is left alone and no error: ReadKey reads what won.
func MakeKey(path string) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make a seal key: %w", err)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".seal-*") // mode 0600
	if err != nil {
		return fmt.Errorf("make a seal key: %w", err)
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // it may be gone, and is no key until it is linked
	err = insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(temporary))
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return fmt.Errorf("write the seal key: %w", err)
	}
	if err := os.Link(temporary.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("write the seal key: %w", err)
	}
	return nil
}

// Seal encrypts a secret for one purpose, such as a messenger's name. Sealing
// the same secret twice gives different bytes.
func (k *Key) Seal(secret, purpose string) ([]byte, error) {
	sealed, err := k.aead.Encrypt([]byte(secret), []byte(purpose))
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}

// Open decrypts what Seal sealed for the same purpose under the same key. Its
// error holds nothing of the secret.
func (k *Key) Open(sealed []byte, purpose string) (string, error) {
	secret, err := k.aead.Decrypt(sealed, []byte(purpose))
	if err != nil {
		return "", errors.New("the credential cannot be opened: it was sealed under another key, for another messenger, or it is damaged")
	}
	return string(secret), nil
}
