package pace

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// CredentialID is the ID of the key of a credential, by its fingerprint. Where that
// is not known it is an ID that no key has.
func CredentialID(messenger, fingerprint string) string {
	if fingerprint == "" {
		fingerprint = "unknown"
	}
	return messenger + ".credential." + fingerprint
}

// DestinationID is the ID of the key of a destination under a credential, by that
// one's fingerprint. Whoever knows both can compute it, without the seal key.
func DestinationID(messenger, fingerprint, destination string) string {
	digest := hmac.New(sha256.New, []byte(fingerprint))
	_, _ = digest.Write([]byte(destination)) // a hash takes all
	return messenger + ".destination." + hex.EncodeToString(digest.Sum(nil)[:16])
}
