package seal

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// keyFileFormat is the version of the file format that this program writes. A file without one
// is a Tink keyset alone, the format of the first versions.
const keyFileFormat = 1

// A FileFormat holds the names in the seal key files of a program. Fields and Label never
// change: they are part of stored files and fingerprints.
type FileFormat struct {
	VersionField string // the JSON field with the version of the format, such as "librarySealKey"
	Label        string // for HKDF, which derives the fingerprint key of a file that has none
	Command      string // the command that creates a file, for errors, such as "library key make"
}

// A keyFile is the content of a seal key file.
type keyFile struct {
	names  FileFormat
	Format int `json:"-"` // in the field names.VersionField

	FingerprintKey []byte          `json:"fingerprintKey"` // never changes, whatever keys are added
	Keys           []keyMetadata   `json:"keys"`
	Keyset         json.RawMessage `json:"keyset"` // a Tink keyset as JSON, in the clear

	handle *keyset.Handle
}

// A keyMetadata is the metadata of a key. A zero time is unknown.
type keyMetadata struct {
	ID       KeyID     `json:"id"`
	Made     time.Time `json:"made,omitzero"`
	Replaced time.Time `json:"replaced,omitzero"` // when another key became the primary
}

// parse parses a seal key file, or its base64 encoding. No error quotes the text.
func (n FileFormat) parse(text []byte, name string) (*keyFile, error) {
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("{")) {
		if plain, err := base64.StdEncoding.DecodeString(string(text)); err == nil {
			text = bytes.TrimSpace(plain)
		}
	}
	f := &keyFile{names: n}
	var fields map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(text, &fields), json.Unmarshal(text, f)); err != nil {
		return nil, n.errNotKeyFile(name)
	}
	if version, ok := fields[n.VersionField]; ok {
		if err := json.Unmarshal(version, &f.Format); err != nil {
			return nil, n.errNotKeyFile(name)
		}
	}
	switch f.Format {
	case 0:
		mark, err := deriveFingerprintKey(text, n.Label)
		if err != nil {
			return nil, err
		}
		*f = keyFile{names: n, FingerprintKey: mark, Keyset: text}
	case keyFileFormat:
		if len(f.FingerprintKey) != sha256.Size {
			return nil, n.errNotKeyFile(name)
		}
	default:
		return nil, fmt.Errorf("%s has seal key file format %d, and this version supports formats up to %d: run the newer version that wrote it", name, f.Format, keyFileFormat)
	}
	handle, err := readKeyset(f.Keyset)
	if err != nil {
		return nil, n.errNotKeyFile(name) // err may quote the text
	}
	f.handle = handle
	return f, nil
}

func (n FileFormat) errNotKeyFile(name string) error {
	return fmt.Errorf("%s holds no seal key, it must be a file of `%s` or a Tink keyset as JSON", name, n.Command)
}

// encode returns the text of the file: the version first, then the other fields.
func (f *keyFile) encode() ([]byte, error) {
	version, err := json.Marshal(map[string]int{f.names.VersionField: f.Format})
	if err != nil {
		return nil, err
	}
	rest, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	return slices.Concat(version[:len(version)-1], []byte(","), rest[1:], []byte("\n")), nil
}

// newFile returns a file with one new key.
func (n FileFormat) newFile(now time.Time) (*keyFile, error) {
	f := &keyFile{names: n, Format: keyFileFormat, FingerprintKey: make([]byte, sha256.Size)}
	if _, err := rand.Read(f.FingerprintKey); err != nil {
		return nil, fmt.Errorf("create seal key: %w", err)
	}
	_, err := f.addKey(keyset.NewManager(), now)
	return f, err
}

// addKey adds a new key to m, makes it the primary, and stores the keys of m.
func (f *keyFile) addKey(m *keyset.Manager, now time.Time) (KeyID, error) {
	now = now.UTC().Truncate(time.Second)
	id, err := m.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		return 0, fmt.Errorf("create seal key: %w", err)
	}
	if err := m.SetPrimary(id); err != nil {
		return 0, fmt.Errorf("create seal key: %w", err)
	}
	for _, e := range f.entries() {
		if e.ReplaceTime.IsZero() {
			f.metadata(e.ID).Replaced = now
		}
	}
	f.metadata(KeyID(id)).Made = now
	return KeyID(id), f.loadInto(m)
}

// removeKeys removes keys from m, and stores the keys of m.
func (f *keyFile) removeKeys(m *keyset.Manager, ids []KeyID) error {
	for _, id := range ids {
		if err := m.Delete(uint32(id)); err != nil { // the primary, or no key of this file
			return fmt.Errorf("remove seal key %s: %w", id, err)
		}
		f.Keys = slices.DeleteFunc(f.Keys, func(m keyMetadata) bool { return m.ID == id })
	}
	return f.loadInto(m)
}

// loadInto stores the keys of m in the file.
func (f *keyFile) loadInto(m *keyset.Manager) error {
	handle, err := m.Handle()
	if err != nil {
		return fmt.Errorf("create seal key: %w", err)
	}
	f.Format, f.handle = keyFileFormat, handle
	f.Keyset, err = writeKeyset(handle)
	return err
}

// metadata returns the metadata of a key, and adds it if there is none.
func (f *keyFile) metadata(id KeyID) *keyMetadata {
	i := slices.IndexFunc(f.Keys, func(m keyMetadata) bool { return m.ID == id })
	if i < 0 {
		i = len(f.Keys)
		f.Keys = append(f.Keys, keyMetadata{ID: id})
	}
	return &f.Keys[i]
}

// A KeyInfo describes one key of a file, without the secret.
type KeyInfo struct {
	ID          KeyID
	Primary     bool      // it seals; the other keys only open
	CreateTime  time.Time // zero if unknown
	ReplaceTime time.Time // when another key became the primary; zero if unknown, and for the primary
}

// entries returns the keys in the order in which they were added.
func (f *keyFile) entries() []KeyInfo {
	if f.handle == nil {
		return nil
	}
	info := f.handle.KeysetInfo()
	var es []KeyInfo
	for _, k := range info.GetKeyInfo() {
		e := KeyInfo{ID: KeyID(k.GetKeyId()), Primary: k.GetKeyId() == info.GetPrimaryKeyId()}
		if i := slices.IndexFunc(f.Keys, func(m keyMetadata) bool { return m.ID == e.ID }); i >= 0 {
			e.CreateTime, e.ReplaceTime = f.Keys[i].Made, f.Keys[i].Replaced
		}
		es = append(es, e)
	}
	return es
}
