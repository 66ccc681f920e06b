package auth

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	lru "github.com/hashicorp/golang-lru/v2"
)

// algorithms are the algorithms of accepted signatures: those with a public key.
var algorithms = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// A TokenConfig describes the tokens of an OpenID Connect issuer.
type TokenConfig struct {
	Issuer   string // the URL of the issuer, as in its tokens
	Audience string // that tokens are issued for
	Claims   ClaimNames
	RolesOf  func(values []string) []string // the roles for the values of the roles claim
	Client   *http.Client                   // of calls to the issuer
	Now      func() time.Time
	Log      *slog.Logger
}

// A TokenVerifier verifies tokens (JWT) of an OpenID Connect issuer: ID tokens, and access
// tokens for its audience. Verify works while Run runs. Its methods may be called
// concurrently.
type TokenVerifier struct {
	TokenConfig
	keys     *issuerKeys
	verified *lru.Cache[[sha256.Size]byte, verifiedToken] // by the hash of the token
}

// A verifiedToken is a token that was verified.
type verifiedToken struct {
	caller       Caller
	time, expiry time.Time // when it was verified; when it expires
}

// NewTokenVerifier returns a verifier. It does not call the issuer, which Run does.
func NewTokenVerifier(c TokenConfig) *TokenVerifier {
	verified, _ := lru.New[[sha256.Size]byte, verifiedToken](maxCached) // fails only for a size of 0
	return &TokenVerifier{TokenConfig: c, keys: newIssuerKeys(c.Issuer, c.Client, c.Log), verified: verified}
}

// Run keeps the keys of the issuer until ctx is done. It returns nil.
func (v *TokenVerifier) Run(ctx context.Context) error {
	v.keys.run(ctx)
	return nil
}

// Verify returns the caller of a token. It returns a *Refusal if the token is not accepted,
// and any other error if that cannot be decided now, because no known key verifies it and
// the issuer is unavailable.
func (v *TokenVerifier) Verify(ctx context.Context, token string) (Caller, error) {
	hash, now := sha256.Sum256([]byte(token)), v.Now()
	if t, ok := v.verified.Get(hash); ok && now.Before(t.expiry) && !now.Before(t.time) && now.Sub(t.time) < maxCacheAge {
		return t.caller, nil
	}
	signature := &signatureVerifier{keys: v.keys, check: v.checkUnverified}
	verified, err := oidc.NewVerifier(v.Issuer, signature, &oidc.Config{ClientID: v.Audience, SupportedSigningAlgs: names(algorithms), Now: v.Now}).Verify(ctx, token)
	switch expired := (*oidc.TokenExpiredError)(nil); {
	case signature.unavailable != nil:
		return Caller{}, fmt.Errorf("verify token: %w", signature.unavailable)
	case signature.refusal != nil:
		return Caller{}, signature.refusal
	case errors.As(err, &expired):
		return Caller{}, errExpiredToken
	case err != nil:
		return Caller{}, &Refusal{Reason: InvalidToken, Text: invalidToken, Cause: err}
	}
	var claims map[string]any
	if err := verified.Claims(&claims); err != nil || verified.Subject == "" || len(verified.Subject) > maxSubjectBytes {
		return Caller{}, &Refusal{Reason: InvalidToken, Text: invalidToken, Cause: errors.New("no claims, no subject or a longer one than 255 bytes")}
	}
	caller := v.Claims.caller(verified.Subject, claims, v.RolesOf)
	v.verified.Add(hash, verifiedToken{caller: caller, time: now, expiry: verified.Expiry})
	return caller, nil
}

const invalidToken = "invalid token"

var errExpiredToken = &Refusal{Reason: ExpiredToken, Text: "token expired"}

// checkUnverified returns a Refusal for a payload that no signature makes acceptable, so
// that it needs no fetch of keys.
func (v *TokenVerifier) checkUnverified(payload []byte) *Refusal {
	var claims struct {
		Issuer string  `json:"iss"`
		Expiry float64 `json:"exp"`
	}
	switch err := json.Unmarshal(payload, &claims); {
	case err != nil:
		return &Refusal{Reason: InvalidToken, Text: invalidToken, Cause: err}
	case claims.Issuer != v.Issuer && "https://"+claims.Issuer != v.Issuer: // Google's has no scheme
		return &Refusal{Reason: InvalidToken, Text: invalidToken, Cause: errors.New("another issuer")}
	case float64(v.Now().Unix()) > claims.Expiry:
		return errExpiredToken
	}
	return nil
}

// A signatureVerifier verifies the signature of one token, as an oidc.KeySet. It notes the
// error, which package oidc would turn into text.
type signatureVerifier struct {
	keys  *issuerKeys
	check func(payload []byte) *Refusal

	unavailable error
	refusal     *Refusal
}

// VerifySignature returns the payload of a token that a key of the issuer has signed.
func (s *signatureVerifier) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	jws, err := jose.ParseSigned(token, algorithms)
	if err != nil {
		return nil, err
	}
	if payload, ok := verifyWith(s.keys.known(), jws); ok {
		return payload, nil
	}
	if s.refusal = s.check(jws.UnsafePayloadWithoutVerification()); s.refusal != nil {
		return nil, s.refusal
	}
	if err := s.keys.refresh(ctx); err != nil {
		s.unavailable = err
		return nil, err
	}
	if payload, ok := verifyWith(s.keys.known(), jws); ok {
		return payload, nil
	}
	s.refusal = &Refusal{Reason: InvalidToken, Text: invalidToken, Cause: errors.New("signed by no key of the issuer")}
	return nil, s.refusal
}

// verifyWith returns the payload of a token if one of keys has signed it.
func verifyWith(keys []jose.JSONWebKey, jws *jose.JSONWebSignature) ([]byte, bool) {
	for _, key := range keys {
		if id := jws.Signatures[0].Header.KeyID; id != "" && key.KeyID != "" && id != key.KeyID {
			continue
		}
		if payload, err := jws.Verify(key.Key); err == nil {
			return payload, true
		}
	}
	return nil, false
}

func names(algorithms []jose.SignatureAlgorithm) []string {
	all := make([]string, len(algorithms))
	for i, a := range algorithms {
		all[i] = string(a)
	}
	return all
}
