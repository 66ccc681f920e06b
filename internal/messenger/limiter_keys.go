package messenger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// CredentialKeyID returns the ID of a credential's limiter key, by credential fingerprint.
// Without a fingerprint it returns an ID that no key has.
func CredentialKeyID(messenger, fingerprint string) string {
	if fingerprint == "" {
		fingerprint = "unknown"
	}
	return messenger + ".credential." + fingerprint
}

// DestinationKeyID returns the ID of the limiter key of a destination under a credential,
// by credential fingerprint. It is computed without the seal key.
func DestinationKeyID(messenger, fingerprint, destination string) string {
	digest := hmac.New(sha256.New, []byte(fingerprint))
	_, _ = digest.Write([]byte(destination)) // a hash never returns an error
	return messenger + ".destination." + hex.EncodeToString(digest.Sum(nil)[:16])
}

// OfKeyID returns the messenger of a limiter key, and whether the key is of a destination.
func OfKeyID(id string) (messenger string, destination bool) {
	messenger, rest, _ := strings.Cut(id, ".")
	return messenger, strings.HasPrefix(rest, "destination.")
}
