package alert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/bongsu-project/bongsu/kit/auth"
)

// An IdempotencyScope is the prefix of stored idempotency keys that belong to one caller or
// source. It is empty for callers that are not authenticated. No key equals one of another
// scope: keys hold neither separator, by the validation rules of SendAlertRequest, and a
// source none, as it is a path segment.
type IdempotencyScope string

const (
	// sourceKeySeparator encloses the source in the scope of an intake source.
	sourceKeySeparator = "\x1f"
	// callerKeySeparator encloses the caller in the scope of a caller.
	callerKeySeparator = "\x1e"
)

// sourceScope returns the scope of an intake source.
func sourceScope(source string) IdempotencyScope {
	return IdempotencyScope(sourceKeySeparator + source + sourceKeySeparator)
}

// callerScope returns the scope of the caller of ctx. It contains a hash of the caller's id,
// which may have any length and any characters.
func callerScope(ctx context.Context) IdempotencyScope {
	caller, ok := auth.CallerOf(ctx)
	if !ok {
		return ""
	}
	id := sha256.Sum256([]byte(caller.ID))
	return IdempotencyScope(callerKeySeparator + hex.EncodeToString(id[:16]) + callerKeySeparator)
}

// StoredKey returns the key as it is stored, with its scope; empty for an alert without one.
func (a Alert) StoredKey() string {
	if a.IdempotencyKey == "" {
		return ""
	}
	return string(a.IdempotencyScope) + a.IdempotencyKey
}

// ChangedKey returns the stored key of a request whose idempotency key was used for another
// one: the key extended by the digest of the request.
func (a Alert) ChangedKey() string {
	digest := a.RequestDigest[:min(len(a.RequestDigest), 16)]
	return a.StoredKey() + sourceKeySeparator + hex.EncodeToString(digest)
}
