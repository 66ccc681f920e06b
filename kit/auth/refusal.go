package auth

// A Refusal is the error of a credential that is not accepted. Its text is for the caller,
// and holds no part of a secret.
type Refusal struct {
	Reason Reason
	Text   string
	Caller string // the id of the key that was recognized; empty for none
	Cause  error  // for the log, not for the caller; nil for none
}

// Error returns the text.
func (r *Refusal) Error() string { return r.Text }

// A Reason is why a credential is refused. The set is small, so that it can label metrics.
type Reason string

// The reasons of refusals.
const (
	Malformed    Reason = "malformed"     // neither a key nor a token
	UnknownKey   Reason = "unknown_key"   // no key has this id
	WrongSecret  Reason = "wrong_secret"  // the id is that of a key, the secret is not
	ExpiredKey   Reason = "expired_key"   // after its expire time
	RevokedKey   Reason = "revoked_key"   // after its revocation
	WrongAddress Reason = "wrong_address" // from an address that the key does not allow
	InvalidToken Reason = "invalid_token" // not signed by the issuer, or for another audience
	ExpiredToken Reason = "expired_token" // after its expiry
)
