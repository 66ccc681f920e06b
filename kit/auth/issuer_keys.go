package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

const (
	// maxIssuerKeyAge is how long the keys of an issuer are used before they are fetched
	// again: a key that the issuer has removed is refused after this time.
	maxIssuerKeyAge = 5 * time.Minute
	// retryIssuer is the wait after a failed fetch.
	retryIssuer = 10 * time.Second
	// minFetchInterval is the least time from one fetch to the next, whatever tokens callers
	// send.
	minFetchInterval = time.Second
	// fetchTimeout is the timeout of a fetch.
	fetchTimeout = 5 * time.Second
	// waitTimeout is how long a token waits for a fetch.
	waitTimeout = minFetchInterval + fetchTimeout
	// maxIssuerBytes limits a response of the issuer.
	maxIssuerBytes = 1 << 20
)

// issuerKeys holds the public keys of an issuer while run runs.
//
// A token that no key verifies may be signed by a new key, so it waits for a fetch that
// begins after it arrived. Tokens share fetches: whoever sends forged ones causes one fetch
// a second, and delays no other token.
type issuerKeys struct {
	issuer string
	client *http.Client
	log    *slog.Logger
	wanted chan struct{} // of capacity 1

	mu   sync.Mutex
	keys []jose.JSONWebKey
	next *keyFetch // the fetch that begins next
}

// A keyFetch is a fetch of the keys. err is set before done is closed.
type keyFetch struct {
	done chan struct{}
	err  error
}

func newKeyFetch() *keyFetch { return &keyFetch{done: make(chan struct{})} }

// errStopped is the error of a token that waits when run has ended.
var errStopped = errors.New("the process is stopping")

func newIssuerKeys(issuer string, client *http.Client, log *slog.Logger) *issuerKeys {
	limited := *client
	limited.Transport = limitedTransport{client.Transport}
	return &issuerKeys{issuer: issuer, client: &limited, log: log, wanted: make(chan struct{}, 1), next: newKeyFetch()}
}

// known returns the keys of the last successful fetch.
func (k *issuerKeys) known() []jose.JSONWebKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}

// refresh returns once a fetch that began after the call has ended. It returns the error of
// that fetch.
func (k *issuerKeys) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, waitTimeout)
	defer cancel()
	k.mu.Lock()
	fetch := k.next
	k.mu.Unlock()
	select {
	case k.wanted <- struct{}{}:
	default: // it is wanted already
	}
	select {
	case <-fetch.done:
		return fetch.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run fetches the keys now, every 5 minutes, and when a token needs them.
func (k *issuerKeys) run(ctx context.Context) {
	failing := false
	for ctx.Err() == nil {
		err := k.fetch(ctx)
		switch {
		case ctx.Err() != nil:
		case err != nil && !failing:
			k.log.Warn("fetching the keys of the OIDC issuer failed; retrying", "issuer", k.issuer, "error", err)
		case err == nil && failing:
			k.log.Info("fetching the keys of the OIDC issuer works again", "issuer", k.issuer)
		}
		failing = err != nil
		again := maxIssuerKeyAge
		if failing {
			again = retryIssuer
		}
		sleep(ctx, minFetchInterval, nil)
		sleep(ctx, again-minFetchInterval, k.wanted)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next.err = errStopped
	close(k.next.done)
}

// sleep returns after a time, when ctx is done, or when wake receives.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-ctx.Done():
	}
}

// fetch replaces the keys by those that the issuer has now. If that fails, they stay.
func (k *issuerKeys) fetch(ctx context.Context) error {
	k.mu.Lock()
	fetch := k.next
	k.next = newKeyFetch()
	k.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	keys, err := k.download(ctx)
	if err == nil {
		k.mu.Lock()
		k.keys = keys
		k.mu.Unlock()
	}
	fetch.err = err
	close(fetch.done)
	return err
}

// download returns the signing keys of the issuer, by discovery.
func (k *issuerKeys) download(ctx context.Context) ([]jose.JSONWebKey, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, k.client), k.issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	var metadata struct {
		KeysURL string `json:"jwks_uri"`
	}
	if err := provider.Claims(&metadata); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, metadata.KeysURL, nil)
	if err != nil {
		return nil, fmt.Errorf("jwks_uri: %w", err)
	}
	res, err := k.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch keys: status %s", res.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	return signingKeys(set.Keys), nil
}

// signingKeys returns the public keys that verify signatures. Keys of other kinds are left
// out, as the standard demands.
func signingKeys(encoded []json.RawMessage) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, e := range encoded {
		var key jose.JSONWebKey
		if json.Unmarshal(e, &key) == nil && key.Valid() && key.IsPublic() && key.Use != "enc" {
			keys = append(keys, key)
		}
	}
	return keys
}

// A limitedTransport limits the bodies of responses.
type limitedTransport struct{ http.RoundTripper }

// RoundTrip sends a request.
func (t limitedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	transport := t.RoundTripper
	if transport == nil {
		transport = http.DefaultTransport
	}
	res, err := transport.RoundTrip(req)
	if err == nil {
		res.Body = http.MaxBytesReader(nil, res.Body, maxIssuerBytes)
	}
	return res, err
}
