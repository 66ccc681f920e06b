package edge_test

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/oidctest"
	"github.com/bongsu-project/bongsu/services/edge"
)

// A load sends requests with a credential, which can be replaced: then the old one is in no
// request any more, as when all clients have been given the new one.
type load struct {
	mu         sync.RWMutex // held for reading during a request
	credential string
	requests   int
	count      sync.Mutex
}

// replace waits for the requests with the old credential, and returns it.
func (l *load) replace(credential string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.credential
	l.credential = credential
	return old
}

// run sends requests by every protocol until ctx is done, and fails the test for each that
// is refused.
func (l *load) run(ctx context.Context, t *testing.T, url string) (wait func()) {
	t.Helper()
	var clients sync.WaitGroup
	for protocol, call := range callerCalls() {
		for range 2 {
			clients.Go(func() {
				for ctx.Err() == nil {
					l.mu.RLock()
					_, err := call(context.WithoutCancel(ctx), url, "Bearer "+l.credential)
					l.mu.RUnlock()
					if err != nil {
						t.Errorf("%s: %v", protocol, err)
						return
					}
					l.count.Lock()
					l.requests++
					l.count.Unlock()
				}
			})
		}
	}
	return clients.Wait
}

func (l *load) sent() int {
	l.count.Lock()
	defer l.count.Unlock()
	return l.requests
}

// awaitRequests returns when n more requests were accepted, or the test has failed.
func (l *load) awaitRequests(t *testing.T, n int) {
	t.Helper()
	for until := l.sent() + n; l.sent() < until && !t.Failed(); {
		time.Sleep(time.Millisecond) // the requests of others are awaited
	}
}

// TestKeyRotation replaces and revokes keys under load: every request with the key of its
// time is accepted, and each revoked key is refused 5 s after its revocation.
func TestKeyRotation(t *testing.T) {
	clock := &authClock{now: time.Now()}
	e := newAuthEdge(t, clock.Now, nil)
	id, key := e.credentials.add(t, nil)
	clients := &load{credential: key}
	ctx, stop := context.WithCancel(t.Context())
	wait := clients.run(ctx, t, e.url)
	type revocation struct {
		key string
		at  time.Time
	}
	var revoked []revocation
	accepted := 0 // of revoked keys, within the 5 s
	for range 20 {
		clients.awaitRequests(t, 10)
		nextID, next := e.credentials.add(t, nil)
		old := clients.replace(next)
		e.credentials.revoke(id, clock.Now())
		revoked = append(revoked, revocation{old, clock.Now()})
		id = nextID
		clock.advance(900 * time.Millisecond)
		for _, r := range revoked[max(0, len(revoked)-7):] { // the last 6.3 s
			status, _ := get(t, e.url+"/v1/caller", "Bearer "+r.key)
			switch age := clock.Now().Sub(r.at); {
			case status == http.StatusOK && age >= 5*time.Second:
				t.Errorf("a key is accepted %s after its revocation", age)
			case status == http.StatusOK:
				accepted++
			case status != http.StatusUnauthorized:
				t.Errorf("status %d; log: %s", status, e.log)
			}
		}
	}
	stop()
	wait()
	if clients.sent() < 200 || accepted == 0 {
		t.Errorf("%d requests, %d with revoked keys in the cache: the test shows nothing", clients.sent(), accepted)
	}
}

// TestIssuerRotation replaces the keys of an issuer under load, while others send forged
// tokens: every token of the issuer is accepted.
func TestIssuerRotation(t *testing.T) {
	issuer, forger := oidctest.Listen(t), oidctest.New(t)
	config := edge.OIDCConfig{Issuer: issuer.URL, Audience: "bongsu", RolesClaim: "roles"}
	tokens := config.TokenConfig()
	tokens.Client, tokens.Now, tokens.Log = http.DefaultClient, time.Now, slog.New(slog.DiscardHandler)
	verifier := auth.NewTokenVerifier(tokens)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { kittest.NoError(t, verifier.Run(ctx)) })
	defer running.Wait()
	defer stop()
	e := newAuthEdge(t, time.Now, verifier)

	claims := func(subject string) map[string]any {
		return map[string]any{"iss": issuer.URL, "sub": subject, "aud": "bongsu", "exp": time.Now().Add(time.Hour).Unix(), "roles": "sender"}
	}
	clients := &load{credential: issuer.Token(claims("0"))}
	sending, end := context.WithCancel(t.Context())
	wait := clients.run(sending, t, e.url)
	forged := forger.Token(claims("0"))
	var attack sync.WaitGroup
	attack.Go(func() {
		for sending.Err() == nil {
			for _, call := range callerCalls() {
				if _, err := call(context.WithoutCancel(sending), e.url, "Bearer "+forged); connect.CodeOf(err) != connect.CodeUnauthenticated {
					t.Errorf("forged: error is %v", err)
					return
				}
			}
		}
	})
	for _, subject := range []string{"1", "2", "3"} {
		clients.awaitRequests(t, 50)
		issuer.Rotate()
		clients.replace(issuer.Token(claims(subject)))
	}
	clients.awaitRequests(t, 50)
	end()
	wait()
	attack.Wait()
	if n := issuer.Fetches(); n < 4 || n > 30 {
		t.Errorf("%d fetches of the keys", n)
	}
}
