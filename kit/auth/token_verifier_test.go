package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/oidctest"
)

// tokens starts a verifier of the tokens of an issuer, in a bubble. It stops at the end of
// the test.
func tokens(t *testing.T, issuer *oidctest.Issuer, change func(*auth.TokenConfig)) *auth.TokenVerifier {
	t.Helper()
	config := auth.TokenConfig{
		Issuer: issuer.URL, Audience: "library", Claims: auth.ClaimNames{Roles: "roles"}, Client: issuer.Client(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		RolesOf: func(values []string) (roles []string) {
			for _, value := range values {
				if role, ok := strings.CutPrefix(value, "app-"); ok {
					roles = append(roles, role)
				}
			}
			return roles
		},
	}
	if change != nil {
		change(&config)
	}
	verifier := auth.NewTokenVerifier(config)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { kittest.NoError(t, verifier.Run(ctx)) })
	t.Cleanup(func() {
		stop()
		running.Wait()
	})
	return verifier
}

// claims returns valid claims with changes; a nil value removes a claim.
func claims(changes map[string]any) map[string]any {
	all := map[string]any{"sub": "42", "aud": "library", "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
	for name, value := range changes {
		if value == nil {
			delete(all, name)
		} else {
			all[name] = value
		}
	}
	return all
}

func TestVerifyToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oidctest.New(t)
		other := oidctest.New(t)
		verifier := tokens(t, issuer, nil)
		valid := issuer.Token(claims(nil))
		parts := strings.Split(valid, ".")
		hmacKey := jose.JSONWebKey{Key: []byte(strings.Repeat("k", 32)), KeyID: "key-1", Algorithm: "HS256"}
		for name, c := range map[string]struct {
			token string
			want  auth.Reason // empty if the token is accepted
		}{
			"valid":                    {valid, ""},
			"one audience of several":  {issuer.Token(claims(map[string]any{"aud": []string{"other", "library"}})), ""},
			"another audience":         {issuer.Token(claims(map[string]any{"aud": "other"})), auth.InvalidToken},
			"no audience":              {issuer.Token(claims(map[string]any{"aud": nil})), auth.InvalidToken},
			"another issuer's name":    {issuer.Token(claims(map[string]any{"iss": "https://other.test"})), auth.InvalidToken},
			"long subject":             {issuer.Token(claims(map[string]any{"sub": strings.Repeat("1", 256)})), auth.InvalidToken},
			"no subject":               {issuer.Token(claims(map[string]any{"sub": nil})), auth.InvalidToken},
			"expired":                  {issuer.Token(claims(map[string]any{"exp": time.Now().Add(-time.Second).Unix()})), auth.ExpiredToken},
			"no expiry":                {issuer.Token(claims(map[string]any{"exp": nil})), auth.ExpiredToken},
			"not valid yet":            {issuer.Token(claims(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()})), auth.InvalidToken},
			"another key, same id":     {other.Token(claims(nil)), auth.InvalidToken},
			"another payload":          {parts[0] + "." + strings.Split(issuer.Token(claims(map[string]any{"sub": "1"})), ".")[1] + "." + parts[2], auth.InvalidToken},
			"no signature":             {parts[0] + "." + parts[1] + ".", auth.InvalidToken},
			"algorithm none":           {"eyJhbGciOiJub25lIn0." + parts[1] + ".", auth.InvalidToken},
			"symmetric key":            {oidctest.Sign(t, hmacKey, issuer.URL, claims(nil)), auth.InvalidToken},
			"no token":                 {"abc", auth.InvalidToken},
			"no token, three parts":    {"a.b.c", auth.InvalidToken},
			"claims that are no JSON":  {issuer.Token(claims(map[string]any{"exp": "soon"})), auth.InvalidToken},
			"subject that is no text":  {issuer.Token(claims(map[string]any{"sub": 42})), auth.InvalidToken},
			"two tokens, one valid":    {valid + " " + valid, auth.InvalidToken},
			"valid, with another part": {valid + ".e30", auth.InvalidToken},
		} {
			caller, err := verifier.Verify(t.Context(), c.token)
			if reason(err) != c.want || (err == nil) != (c.want == "") {
				t.Errorf("%s: error is %v, want reason %q", name, err, c.want)
			}
			if (caller.ID == "oidc:42") != (c.want == "") {
				t.Errorf("%s: caller is %+v", name, caller)
			}
		}
	})
}

// TestTokenExpires checks that a verified token is refused when it expires.
func TestTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oidctest.New(t)
		verifier := tokens(t, issuer, nil)
		token := issuer.Token(claims(map[string]any{"exp": time.Now().Add(3 * time.Second).Unix()}))
		for range 3 {
			if _, err := verifier.Verify(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second - 1) // of the bubble's clock
		}
		time.Sleep(2 * time.Second) // of the bubble's clock
		if _, err := verifier.Verify(t.Context(), token); reason(err) != auth.ExpiredToken {
			t.Errorf("error is %v", err)
		}
	})
}

func TestTokenAlgorithms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oidctest.New(t)
		rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
		kittest.NoError(t, err)
		ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		kittest.NoError(t, err)
		verifier := tokens(t, issuer, nil)
		for _, algorithm := range []jose.SignatureAlgorithm{jose.RS256, jose.PS512} {
			issuer.Publish(rsaKey, algorithm)
			if _, err := verifier.Verify(t.Context(), issuer.Token(claims(nil))); err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
		}
		issuer.Publish(ecKey, jose.ES384)
		if _, err := verifier.Verify(t.Context(), issuer.Token(claims(nil))); err != nil {
			t.Errorf("ES384: %v", err)
		}
	})
}

func TestCallerOfToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oidctest.New(t)
		for name, c := range map[string]struct {
			names  auth.ClaimNames
			claims map[string]any
			want   auth.Caller
		}{
			"list":            {auth.ClaimNames{Roles: "roles"}, map[string]any{"roles": []any{"app-viewer", "other", "app-admin", "app-viewer", 7}, "name": "Kim"}, auth.Caller{Name: "Kim", Roles: []string{"admin", "viewer"}}},
			"text":            {auth.ClaimNames{Roles: "scope"}, map[string]any{"scope": "openid app-sender", "email": "a@b.c"}, auth.Caller{Name: "a@b.c", Roles: []string{"sender"}}},
			"path":            {auth.ClaimNames{Roles: "realm_access.roles"}, map[string]any{"realm_access": map[string]any{"roles": []string{"app-user"}}}, auth.Caller{Name: "42", Roles: []string{"user"}}},
			"name with dots":  {auth.ClaimNames{Roles: "https://b.example/roles"}, map[string]any{"https://b.example/roles": []string{"app-user"}}, auth.Caller{Name: "42", Roles: []string{"user"}}},
			"no roles":        {auth.ClaimNames{Roles: "roles"}, nil, auth.Caller{Name: "42"}},
			"roles of a type": {auth.ClaimNames{Roles: "roles"}, map[string]any{"roles": 7}, auth.Caller{Name: "42"}},
			"nickname":        {auth.ClaimNames{Roles: "roles", Nickname: "nick"}, map[string]any{"nick": "\u1112\u1161\u11ab"}, auth.Caller{Name: "42", Nickname: "한"}},
			"nickname, other": {auth.ClaimNames{Roles: "roles", Nickname: "nick"}, map[string]any{"nick": []string{"a"}}, auth.Caller{Name: "42"}},
			"nickname, long":  {auth.ClaimNames{Roles: "roles", Nickname: "nick"}, map[string]any{"nick": strings.Repeat("a", 121)}, auth.Caller{Name: "42"}},
			"nickname, unset": {auth.ClaimNames{Roles: "roles"}, map[string]any{"nick": "a"}, auth.Caller{Name: "42"}},
			"long name":       {auth.ClaimNames{Roles: "roles"}, map[string]any{"name": strings.Repeat("가", 50)}, auth.Caller{Name: strings.Repeat("가", 33)}},
		} {
			verifier := tokens(t, issuer, func(config *auth.TokenConfig) { config.Claims = c.names })
			got, err := verifier.Verify(t.Context(), issuer.Token(claims(c.claims)))
			c.want.ID = "oidc:42"
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			t.Log(name)
			kittest.Equal(t, got, c.want)
		}
	})
}

// TestForgedTokens checks that forged tokens cause at most one fetch of the keys a second,
// and that tokens of a new key are accepted meanwhile.
func TestForgedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer, forger := oidctest.New(t), oidctest.New(t)
		forger.Rotate() // the id of its key is that of the issuer's next one
		verifier := tokens(t, issuer, nil)
		synctest.Wait()
		if n := issuer.Fetches(); n != 1 {
			t.Fatalf("%d fetches at the start, want 1", n)
		}
		forged, expired := forger.Token(claims(nil)), forger.Token(claims(map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}))
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		var attack sync.WaitGroup
		for range 10 {
			attack.Go(func() {
				for ctx.Err() == nil {
					if _, err := verifier.Verify(context.WithoutCancel(ctx), forged); reason(err) != auth.InvalidToken {
						t.Errorf("forged: error is %v", err)
					}
				}
			})
		}
		for range 10 {
			issuer.Rotate()
			begin := time.Now()
			if _, err := verifier.Verify(t.Context(), issuer.Token(claims(nil))); err != nil {
				t.Errorf("new key: %v", err)
			}
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("a token of a new key took %s", took)
			}
			if _, err := verifier.Verify(t.Context(), expired); reason(err) != auth.ExpiredToken {
				t.Errorf("expired: error is %v", err)
			}
			time.Sleep(700 * time.Millisecond) // of the bubble's clock
		}
		attack.Wait()
		if n := issuer.Fetches(); n > 25 {
			t.Errorf("%d fetches in 20 s", n)
		}
	})
}

// TestIssuerAway checks that known keys stay while the issuer is away, that the rest cannot
// be decided, and that a key which the issuer withdraws is refused.
func TestIssuerAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oidctest.New(t)
		issuer.SetDown(true)
		verifier := tokens(t, issuer, nil)
		old := issuer.Token(claims(map[string]any{"exp": time.Now().Add(time.Hour).Unix()}))
		if _, err := verifier.Verify(t.Context(), old); err == nil || reason(err) != "" {
			t.Errorf("issuer away from the start: error is %v, want no refusal", err)
		}
		issuer.SetDown(false)
		time.Sleep(11 * time.Second) // a failed fetch is repeated
		fetches := issuer.Fetches()
		if _, err := verifier.Verify(t.Context(), old); err != nil || issuer.Fetches() != fetches {
			t.Errorf("issuer is back: %v", err)
		}
		issuer.SetDown(true)
		time.Sleep(20 * time.Minute) // of the bubble's clock
		if _, err := verifier.Verify(t.Context(), old); err != nil {
			t.Errorf("known key, issuer away: %v", err)
		}
		issuer.Rotate()
		if _, err := verifier.Verify(t.Context(), issuer.Token(claims(nil))); err == nil || reason(err) != "" {
			t.Errorf("new key, issuer away: error is %v, want no refusal", err)
		}
		issuer.SetDown(false)
		issuer.Withdraw()
		time.Sleep(5*time.Minute + 10*time.Second) // of the bubble's clock
		if _, err := verifier.Verify(t.Context(), old); reason(err) != auth.InvalidToken {
			t.Errorf("withdrawn key: error is %v", err)
		}
		if _, err := verifier.Verify(t.Context(), issuer.Token(claims(nil))); err != nil {
			t.Errorf("new key: %v", err)
		}
	})
}

// TestVerifyAfterRun checks that a token that no known key verifies does not wait for a
// fetch that never comes.
func TestVerifyAfterRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oidctest.New(t)
		verifier := auth.NewTokenVerifier(auth.TokenConfig{Issuer: issuer.URL, Audience: "library", Client: issuer.Client(), Now: time.Now, Log: slog.New(slog.DiscardHandler), RolesOf: func([]string) []string { return nil }})
		ended, end := context.WithCancel(t.Context())
		end()
		kittest.NoError(t, verifier.Run(ended))
		begin := time.Now()
		if _, err := verifier.Verify(t.Context(), issuer.Token(claims(nil))); err == nil || reason(err) != "" || time.Since(begin) > 0 {
			t.Errorf("error is %v after %s", err, time.Since(begin))
		}
	})
}
