// Package auth authenticates callers: by API keys, whose hashes another service keeps, and by
// tokens of an OpenID Connect issuer. The caller of a request is in its context.
package auth

import "context"

// A Caller is an authenticated caller.
type Caller struct {
	// ID identifies the caller: the id of an API key, or oidc: and the subject of a token. No
	// two callers share one.
	ID string
	// Name is for people: the name of the key, or the name in the token.
	Name string
	// Roles holds what the caller is; what a role may do is known to whoever enforces it.
	Roles []string
	// Nickname is the user that the caller is; empty for none.
	Nickname string
}

// callerKey is the key of a Caller in a context.
type callerKey struct{}

// WithCaller returns a context with the caller of its request.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the caller of the request of ctx, and reports whether it has one: nobody
// has called without credentials, and none is known where authentication is off.
func CallerOf(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}
