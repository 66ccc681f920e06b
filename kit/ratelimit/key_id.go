package ratelimit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// CredentialID returns the ID of a credential's key, by credential fingerprint. Without a
// fingerprint it returns an ID that no key has.
func CredentialID(messenger, fingerprint string) string {
	if fingerprint == "" {
		fingerprint = "unknown"
	}
	return messenger + ".credential." + fingerprint
}

// DestinationID returns the ID of the key of a destination under a credential, by
// credential fingerprint. It is computed without the seal key.
func DestinationID(messenger, fingerprint, destination string) string {
	digest := hmac.New(sha256.New, []byte(fingerprint))
	_, _ = digest.Write([]byte(destination)) // a hash never returns an error
	return messenger + ".destination." + hex.EncodeToString(digest.Sum(nil)[:16])
}
