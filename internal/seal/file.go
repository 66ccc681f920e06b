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

// format is the form of files that this program writes. One without a number is a
// Tink keyset alone, as the first files were.
const format = 1

// A file is what a key file says.
type file struct {
	Format         int             `json:"bongsuSealKey"`
	FingerprintKey []byte          `json:"fingerprintKey"` // the same from the beginning, whatever is added
	Keys           []noted         `json:"keys"`
	Keyset         json.RawMessage `json:"keyset"` // Tink's own form, in the clear

	handle *keyset.Handle
}

// A noted is what is noted of a key beside it. A time is zero where it is not
// known.
type noted struct {
	ID       ID        `json:"id"`
	Made     time.Time `json:"made,omitzero"`
	Replaced time.Time `json:"replaced,omitzero"` // when another became the one that seals
}

// parse reads a key file, or the base64 of one. No error quotes the text.
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
		return nil, fmt.Errorf("%s holds a seal key of form %d, and this program knows forms up to %d: start the newer program that wrote it", name, f.Format, format)
	}
	handle, err := readKeyset(f.Keyset)
	if err != nil {
		return nil, notKey(name) // err may quote the text
	}
	f.handle = handle
	return f, nil
}

func notKey(name string) error {
	return fmt.Errorf("%s holds no seal key (what `bongsu key make` writes, or a Tink keyset as JSON)", name)
}

// newFile makes a file with one key.
func newFile(now time.Time) (*file, error) {
	f := &file{Format: format, FingerprintKey: make([]byte, sha256.Size)}
	if _, err := rand.Read(f.FingerprintKey); err != nil {
		return nil, fmt.Errorf("make a seal key: %w", err)
	}
	_, err := f.add(keyset.NewManager(), now)
	return f, err
}

// add adds a key to those of m, which seals from now on.
func (f *file) add(m *keyset.Manager, now time.Time) (ID, error) {
	now = now.UTC().Truncate(time.Second)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return 0, fmt.Errorf("make a seal key: %w", err)
	}
	if err := m.SetPrimary(id); err != nil {
		return 0, fmt.Errorf("make a seal key: %w", err)
	}
	for _, e := range f.entries() {
		if e.Replaced.IsZero() {
			f.note(e.ID).Replaced = now
		}
	}
	f.note(ID(id)).Made = now
	return ID(id), f.take(m)
}

// drop takes keys away from those of m.
func (f *file) drop(m *keyset.Manager, ids []ID) error {
	for _, id := range ids {
		if err := m.Delete(uint32(id)); err != nil { // the one that seals, or none of this file
			return fmt.Errorf("drop the key %s: %w", id, err)
		}
		f.Keys = slices.DeleteFunc(f.Keys, func(n noted) bool { return n.ID == id })
	}
	return f.take(m)
}

// take makes the keys of m those of the file.
func (f *file) take(m *keyset.Manager) error {
	handle, err := m.Handle()
	if err != nil {
		return fmt.Errorf("make a seal key: %w", err)
	}
	f.Format, f.handle = format, handle
	f.Keyset, err = writeKeyset(handle)
	return err
}

// note is what is noted of a key.
func (f *file) note(id ID) *noted {
	i := slices.IndexFunc(f.Keys, func(n noted) bool { return n.ID == id })
	if i < 0 {
		i = len(f.Keys)
		f.Keys = append(f.Keys, noted{ID: id})
	}
	return &f.Keys[i]
}

// An Entry is one key of a file, without the key.
type Entry struct {
	ID       ID
	Primary  bool      // it seals; the others only open
	Made     time.Time // zero where it is not known
	Replaced time.Time // when another became the one that seals; zero where it is not known, and of the primary
}

// entries lists the keys, in the order in which they were added.
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
