package auth

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/bongsu-project/bongsu/kit/livefile"
)

const (
	// minPeerKeyLength is the least length of a key: 32 random characters cannot be guessed.
	minPeerKeyLength = 32
	// maxPeerKeyLength is the greatest length of a key, which is sent in a header.
	maxPeerKeyLength = 512
	// maxPeerKeys is the greatest number of keys in a file.
	maxPeerKeys = 16
)

// PeerKeys are the keys by which the processes of a system know one another. They are in a
// file that all of them have, one key per line. The first key is sent, and all are accepted:
// a new key is added behind the others everywhere, then moved to the front everywhere, and
// then the old one is removed, while the processes serve. It is safe for concurrent use.
type PeerKeys struct {
	file *livefile.Value[peerKeys]
}

// peerKeys are the keys of one version of the file.
type peerKeys struct {
	first  string
	hashes [][sha256.Size]byte
}

// OpenPeerKeys reads the file at path, and again when it changes. Empty lines, and lines that
// begin with #, are no keys. A key has from 32 to 512 characters of ASCII without white
// space. A file that others may read is refused.
func OpenPeerKeys(path string, now func() time.Time, log *slog.Logger) (*PeerKeys, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	// The group may read: containers get their secrets so. Windows modes carry no such
	// information.
	if mode := info.Mode().Perm(); mode&0o027 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s has mode %#o: others may read or change the key; chmod 600 it, and make another key if others may have read it", path, mode)
	}
	file, err := livefile.Open([]string{path}, func(texts [][]byte) (peerKeys, error) { return parsePeerKeys(texts[0]) }, now, log)
	if err != nil {
		return nil, err
	}
	return &PeerKeys{file}, nil
}

// parsePeerKeys parses a file of keys. Its errors quote none.
func parsePeerKeys(text []byte) (keys peerKeys, err error) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if len(line) < minPeerKeyLength || len(line) > maxPeerKeyLength {
			return peerKeys{}, fmt.Errorf("line %d: a key must have from %d to %d characters, such as those of `openssl rand -hex 32`", number, minPeerKeyLength, maxPeerKeyLength)
		}
		if bytes.ContainsFunc(line, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return peerKeys{}, fmt.Errorf("line %d: a key must consist of ASCII characters without white space", number)
		}
		if keys.first == "" {
			keys.first = string(line)
		}
		keys.hashes = append(keys.hashes, sha256.Sum256(line))
	}
	if len(keys.hashes) == 0 || len(keys.hashes) > maxPeerKeys {
		return peerKeys{}, fmt.Errorf("%d keys: a file must have from 1 to %d, one per line", len(keys.hashes), maxPeerKeys)
	}
	return keys, nil
}

// First returns the key to send.
func (k *PeerKeys) First() string { return k.file.Get().first }

// Has reports whether key is one of the keys, in a time that does not depend on how much of it
// is right.
func (k *PeerKeys) Has(key string) bool {
	hash, found := sha256.Sum256([]byte(key)), 0
	for _, known := range k.file.Get().hashes {
		found |= subtle.ConstantTimeCompare(hash[:], known[:])
	}
	return found == 1
}
