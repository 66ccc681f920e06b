package seal

import (
	"bytes"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// A loadedKeys holds the keys of one version of a seal key file.
type loadedKeys struct {
	sum            [sha256.Size]byte // of the text of the file
	aead           tink.AEAD
	fingerprintKey []byte // the fingerprint key
	primary        KeyID
	ids            map[KeyID]bool
}

// loadKeys parses a seal key file. name is the file or variable, for errors.
func (n FileFormat) loadKeys(text []byte, name string) (*loadedKeys, error) {
	f, err := n.parse(text, name)
	if err != nil {
		return nil, err
	}
	a, err := aead.New(f.handle)
	if err != nil {
		return nil, fmt.Errorf("%s holds a key that is not for AEAD", name)
	}
	lk := &loadedKeys{sum: sha256.Sum256(text), aead: a, fingerprintKey: f.FingerprintKey, ids: map[KeyID]bool{}}
	info := f.handle.KeysetInfo()
	lk.primary = KeyID(info.GetPrimaryKeyId())
	for _, k := range info.GetKeyInfo() {
		lk.ids[KeyID(k.GetKeyId())] = true
	}
	return lk, nil
}

func (lk *loadedKeys) has(id KeyID) bool { return lk.ids[id] }

// isSuccessorOf reports whether r is a rotated version of before: it opens secrets sealed
// under the primary of before, and has the same fingerprint key.
func (lk *loadedKeys) isSuccessorOf(before *loadedKeys) bool {
	return lk.has(before.primary) && bytes.Equal(lk.fingerprintKey, before.fingerprintKey)
}

func (lk *loadedKeys) fingerprint(parts []string) string {
	h := hmac.New(sha256.New, lk.fingerprintKey)
	for _, p := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(p))) // a hash never returns an error
		_, _ = io.WriteString(h, p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// deriveFingerprintKey derives the fingerprint key of a file in the format without one.
func deriveFingerprintKey(text []byte, label string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, text, nil, label, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive fingerprint key: %w", err)
	}
	return key, nil
}

// readKeyset decodes a Tink keyset from JSON.
func readKeyset(text []byte) (*keyset.Handle, error) {
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
}

// writeKeyset encodes a Tink keyset as JSON.
func writeKeyset(h *keyset.Handle) ([]byte, error) {
	var text bytes.Buffer
	err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&text))
	return text.Bytes(), err
}
