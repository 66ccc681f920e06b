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

// A ring is the keys as they were read at one moment.
type ring struct {
	sum     [sha256.Size]byte // of the text it was read from
	aead    tink.AEAD
	mark    []byte // the key of fingerprints
	primary ID
	ids     map[ID]bool
}

// readRing reads a text that holds keys. name says where it is from.
func readRing(text []byte, name string) (*ring, error) {
	f, err := parse(text, name)
	if err != nil {
		return nil, err
	}
	a, err := aead.New(f.handle)
	if err != nil {
		return nil, fmt.Errorf("%s holds a seal key of another use than AEAD", name)
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

// follows says whether r is what became of before by rotating: it opens what
// before seals, and knows the same fingerprints.
func (r *ring) follows(before *ring) bool {
	return r.holds(before.primary) && bytes.Equal(r.mark, before.mark)
}

func (r *ring) fingerprint(parts []string) string {
	h := hmac.New(sha256.New, r.mark)
	for _, p := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(p))) // a hash takes all
		_, _ = io.WriteString(h, p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// markOf derives the key of fingerprints of a file from before files kept one.
func markOf(text []byte) ([]byte, error) {
	mark, err := hkdf.Key(sha256.New, text, nil, "bongsu fingerprints", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive the key of fingerprints: %w", err)
	}
	return mark, nil
}

// readKeyset reads Tink's own form.
func readKeyset(text []byte) (*keyset.Handle, error) {
	return insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
}

// writeKeyset writes Tink's own form.
func writeKeyset(h *keyset.Handle) ([]byte, error) {
	var text bytes.Buffer
	err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&text))
	return text.Bytes(), err
}
