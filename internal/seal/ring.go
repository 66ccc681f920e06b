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

// A ring holds the keys of one version of a seal key file.
type ring struct {
	sum     [sha256.Size]byte // of the text of the file
	aead    tink.AEAD
	mark    []byte // the fingerprint key
	primary ID
	ids     map[ID]bool
}

// readRing parses a seal key file. name is the file or variable, for errors.
func readRing(text []byte, name string) (*ring, error) {
	f, err := parse(text, name)
	if err != nil {
		return nil, err
	}
	a, err := aead.New(f.handle)
	if err != nil {
		return nil, fmt.Errorf("%s holds a key that is not for AEAD", name)
	}
	r := &ring{sum: sha256.Sum256(text), aead: a, mark: f.FingerprintKey, ids: map[ID]bool{}}
	info := f.handle.KeysetInfo()
	r.primary = ID(info.GetPrimaryKeyId())
	for _, k := range info.GetKeyInfo() {
		r.ids[ID(k.GetKeyId())] = true
	}
	return r, nil
}

func (r *ring) holds(id ID) bool { return r.ids[id] }

// follows reports whether r is a rotated version of before: it opens credentials sealed
// under the primary of before, and has the same fingerprint key.
func (r *ring) follows(before *ring) bool {
	return r.holds(before.primary) && bytes.Equal(r.mark, before.mark)
}

func (r *ring) fingerprint(parts []string) string {
	h := hmac.New(sha256.New, r.mark)
	for _, p := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(p))) // a hash never returns an error
		_, _ = io.WriteString(h, p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// markOf derives the fingerprint key of a file in the format without one.
func markOf(text []byte) ([]byte, error) {
	mark, err := hkdf.Key(sha256.New, text, nil, "bongsu fingerprints", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive fingerprint key: %w", err)
	}
	return mark, nil
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
