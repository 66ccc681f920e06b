// Package oidctest runs an OpenID Connect issuer for tests.
package oidctest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// An Issuer is an OpenID Connect issuer with discovery, published keys and signed tokens.
// Its methods may be called concurrently.
type Issuer struct {
	URL string // in its tokens

	t  testing.TB
	mu sync.Mutex
	// current signs tokens; published are the keys at jwks_uri.
	current   jose.JSONWebKey
	published []jose.JSONWebKey
	made      int
	fetches   int
	down      bool
}

// New returns an issuer with one key, which only its Client reaches: it uses no network, so
// that it runs in a bubble of testing/synctest.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{URL: "https://issuer.test", t: t}
	i.Rotate()
	return i
}

// Listen returns an issuer with one key that listens on loopback until the end of the test.
func Listen(t testing.TB) *Issuer {
	t.Helper()
	i := New(t)
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	i.URL = server.URL
	return i
}

// Client returns a client whose requests reach the issuer directly.
func (i *Issuer) Client() *http.Client { return &http.Client{Transport: direct{i}} }

// direct is a transport that calls a handler.
type direct struct{ http.Handler }

// RoundTrip serves a request.
func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	d.ServeHTTP(recorder, req)
	return recorder.Result(), nil
}

// Rotate publishes a new key and signs with it. Tokens of the keys before stay valid.
func (i *Issuer) Rotate() {
	i.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		i.t.Fatal(err)
	}
	i.Publish(key, jose.ES256)
}

// Publish is Rotate with a given key.
func (i *Issuer) Publish(key crypto.Signer, algorithm jose.SignatureAlgorithm) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.made++
	i.current = jose.JSONWebKey{Key: key, KeyID: "key-" + strconv.Itoa(i.made), Algorithm: string(algorithm), Use: "sig"}
	i.published = append(i.published, i.current.Public())
}

// Withdraw removes all published keys but the newest.
func (i *Issuer) Withdraw() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.published = i.published[len(i.published)-1:]
}

// SetDown makes the issuer respond with 503, or work again.
func (i *Issuer) SetDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

// Fetches returns how often the keys were fetched.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// Token returns a token with claims, signed with the newest key. The claim iss is the issuer
// unless it is given.
func (i *Issuer) Token(claims map[string]any) string {
	i.t.Helper()
	i.mu.Lock()
	current := i.current
	i.mu.Unlock()
	return Sign(i.t, current, i.URL, claims)
}

// Sign returns a token with claims, signed with any private key.
func Sign(t testing.TB, key jose.JSONWebKey, issuer string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{"iss": issuer}
	maps.Copy(all, claims)
	payload, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// ServeHTTP serves discovery and keys.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	down := i.down
	i.mu.Unlock()
	switch {
	case down:
		http.Error(w, "down", http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		i.discovery(w)
	case r.URL.Path == "/keys":
		i.keys(w)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) discovery(w http.ResponseWriter) {
	i.respond(w, map[string]any{
		"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "id_token_signing_alg_values_supported": []string{"ES256"},
	})
}

func (i *Issuer) keys(w http.ResponseWriter) {
	i.mu.Lock()
	i.fetches++
	set := jose.JSONWebKeySet{Keys: append([]jose.JSONWebKey(nil), i.published...)}
	i.mu.Unlock()
	i.respond(w, set)
}

func (i *Issuer) respond(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		i.t.Errorf("issuer: %v", err)
	}
}
