package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// format is the version of the file format that this program writes. A file without one
// is a Tink keyset alone, the format of the first versions.
const format = 1

// A file is the content of a seal key file.
type file struct {
	Format         int             `json:"bongsuSealKey"`
	FingerprintKey []byte          `json:"fingerprintKey"` // never changes, whatever keys are added
	Keys           []noted         `json:"keys"`
	Keyset         json.RawMessage `json:"keyset"` // a Tink keyset as JSON, in the clear

	handle *keyset.Handle
}

// A noted is the metadata of a key. A zero time is unknown.
type noted struct {
	ID       ID        `json:"id"`
	Made     time.Time `json:"made,omitzero"`
	Replaced time.Time `json:"replaced,omitzero"` // when another key became the primary
}

// parse parses a seal key file, or its base64 encoding. No error quotes the text.
func parse(text []byte, name string) (*file, error) {
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("{")) {
		if plain, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
			text = bytes.TrimSpace(plain)
		}
	}
	f := new(file)
	if err := json.Unmarshal(text, f); err != nil {
		return nil, notKey(name)
	}
	switch f.Format {
	case 0:
		mark, err := markOf(text)
		if err != nil {
			return nil, err
		}
		*f = file{FingerprintKey: mark, Keyset: text}
	case format:
		if len(f.FingerprintKey) != sha256.Size {
			return nil, notKey(name)
		}
	default:
		return nil, fmt.Errorf("%s has seal key file format %d, and this version supports formats up to %d: run the newer version that wrote it", name, f.Format, format)
	}
	handle, err := readKeyset(f.Keyset)
	if err != nil {
		return nil, notKey(name) // err may quote the text
	}
	f.handle = handle
	return f, nil
}

func notKey(name string) error {
	return fmt.Errorf("%s holds no seal key, it must be a file of `bongsu key make` or a Tink keyset as JSON", name)
}

// newFile returns a file with one new key.
func newFile(now time.Time) (*file, error) {
	f := &file{Format: format, FingerprintKey: make([]byte, sha256.Size)}
	if _, err := rand.Read(f.FingerprintKey); err != nil {
		return nil, fmt.Errorf("create seal key: %w", err)
	}
	_, err := f.add(keyset.NewManager(), now)
	return f, err
}

// add adds a new key to m, makes it the primary, and stores the keys of m.
func (f *file) add(m *keyset.Manager, now time.Time) (ID, error) {
	now = now.UTC().Truncate(time.Second)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return 0, fmt.Errorf("create seal key: %w", err)
	}
	if err := m.SetPrimary(id); err != nil {
		return 0, fmt.Errorf("create seal key: %w", err)
	}
	for _, e := range f.entries() {
		if e.Replaced.IsZero() {
			f.note(e.ID).Replaced = now
		}
	}
	f.note(ID(id)).Made = now
	return ID(id), f.take(m)
}

// drop removes keys from m, and stores the keys of m.
func (f *file) drop(m *keyset.Manager, ids []ID) error {
	for _, id := range ids {
		if err := m.Delete(uint32(id)); err != nil { // the primary, or no key of this file
			return fmt.Errorf("remove seal key %s: %w", id, err)
		}
		f.Keys = slices.DeleteFunc(f.Keys, func(n noted) bool { return n.ID == id })
	}
	return f.take(m)
}

// take stores the keys of m in the file.
func (f *file) take(m *keyset.Manager) error {
	handle, err := m.Handle()
	if err != nil {
		return fmt.Errorf("create seal key: %w", err)
	}
	f.Format, f.handle = format, handle
	f.Keyset, err = writeKeyset(handle)
	return err
}

// note returns the metadata of a key, and adds it if there is none.
func (f *file) note(id ID) *noted {
	i := slices.IndexFunc(f.Keys, func(n noted) bool { return n.ID == id })
	if i < 0 {
		i = len(f.Keys)
		f.Keys = append(f.Keys, noted{ID: id})
	}
	return &f.Keys[i]
}

// An Entry describes one key of a file, without the secret.
type Entry struct {
	ID       ID
	Primary  bool      // it seals; the other keys only open
	Made     time.Time // zero if unknown
	Replaced time.Time // when another key became the primary; zero if unknown, and for the primary
}

// entries returns the keys in the order in which they were added.
func (f *file) entries() []Entry {
	if f.handle == nil {
		return nil
	}
	info := f.handle.KeysetInfo()
	var es []Entry
	for _, k := range info.GetKeyInfo() {
		e := Entry{ID: ID(k.GetKeyId()), Primary: k.GetKeyId() == info.GetPrimaryKeyId()}
		if i := slices.IndexFunc(f.Keys, func(n noted) bool { return n.ID == e.ID }); i >= 0 {
			e.Made, e.Replaced = f.Keys[i].Made, f.Keys[i].Replaced
		}
		es = append(es, e)
	}
	return es
}
