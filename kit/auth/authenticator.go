package auth

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
)

// An Authenticator authenticates requests by their Authorization header.
type Authenticator struct {
	Keys   *KeyVerifier
	Tokens *TokenVerifier // nil if no issuer is configured
}

// Authenticate returns the caller who sent a header from an address. It returns false if the
// header has no credential, a *Refusal if the credential is not accepted, and any other
// error if that cannot be decided now. It may be called concurrently.
func (a *Authenticator) Authenticate(ctx context.Context, header http.Header, client netip.Addr) (c Caller, ok bool, err error) {
	credential, ok, err := credentialOf(header)
	if err != nil || !ok {
		return Caller{}, false, err
	}
	switch {
	case strings.HasPrefix(credential.text, keyPrefix):
		c, err = a.Keys.Verify(ctx, credential.text, client)
	case a.Tokens != nil && !credential.basic:
		c, err = a.Tokens.Verify(ctx, credential.text)
	default:
		err = errMalformed
	}
	return c, err == nil, err
}
