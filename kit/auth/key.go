package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

const (
	// keyPrefix begins each API key, so that secret scanners recognize one.
	keyPrefix = "bgs_"
	// idBytes is the number of random bytes of an id: 16 characters.
	idBytes = 10
	// secretBytes is the number of random bytes of a secret: 52 characters.
	secretBytes = 32
	// maxIDLength is the maximum length of an id in a key.
	maxIDLength = 40
)

// keyAlphabet is the alphabet of ids and secrets. It has no underscore, which separates
// the parts of a key, and no letters that look like a digit.
const keyAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

var keyEncoding = base32.NewEncoding(keyAlphabet).WithPadding(base32.NoPadding)

// NewKey returns a new API key, bgs_<id>_<secret>, with its id and the hash of its secret.
// The id is public. The hash is all that a server stores of the secret.
func NewKey() (id, key string, hash []byte, err error) {
	random := make([]byte, idBytes+secretBytes)
	if _, err := rand.Read(random); err != nil {
		return "", "", nil, err
	}
	id = keyEncoding.EncodeToString(random[:idBytes])
	secret := keyEncoding.EncodeToString(random[idBytes:])
	return id, keyPrefix + id + "_" + secret, HashSecret(secret), nil
}

// ParseKey splits an API key into its id and its secret. It reports false for a text that
// NewKey cannot have made.
func ParseKey(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	if !ok || !isKeyText(id) || len(id) > maxIDLength || !isKeyText(secret) || len(secret) != keyEncoding.EncodedLen(secretBytes) {
		return "", "", false
	}
	return id, secret, true
}

// isKeyText reports whether a text is of the alphabet of keys, and not empty.
func isKeyText(text string) bool {
	return text != "" && strings.Trim(text, keyAlphabet) == ""
}

// HashSecret returns the SHA-256 of the secret of an API key. A secret has 256 random bits, so
// that a slow hash would protect it no better.
func HashSecret(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
