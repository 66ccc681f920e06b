package edge_test

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/access/v1/accessv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/kittest/logtest"
	"github.com/bongsu-project/bongsu/kit/kittest/oidctest"
	"github.com/bongsu-project/bongsu/kit/rpc"
	"github.com/bongsu-project/bongsu/services/edge"
)

// credentials is a CredentialService that keeps its keys in memory.
type credentials struct {
	accessv1connect.UnimplementedCredentialServiceHandler
	mu   sync.Mutex
	keys map[string]*accessv1.FindKeyResponse
	uses map[string]time.Time
	down bool
}

func (c *credentials) FindKey(_ context.Context, req *accessv1.FindKeyRequest) (*accessv1.FindKeyResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key, ok := c.keys[req.GetId()]
	switch {
	case c.down:
		return nil, fault.Unavailablef("down")
	case !ok:
		return nil, fault.NotFoundf("key %s not found", req.GetId())
	}
	return key, nil
}

func (c *credentials) RecordKeyUses(_ context.Context, req *accessv1.RecordKeyUsesRequest) (*accessv1.RecordKeyUsesResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, use := range req.GetUses() {
		c.uses[use.GetId()] = use.GetTime().AsTime()
	}
	return &accessv1.RecordKeyUsesResponse{}, nil
}

func (c *credentials) setDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// add stores a new key with changes, and returns it.
func (c *credentials) add(t *testing.T, change func(*accessv1.Key)) (id, key string) {
	t.Helper()
	id, key, hash, err := auth.NewKey()
	kittest.NoError(t, err)
	stored := &accessv1.Key{Id: id, Name: "ci", Role: "sender", NickName: "kim"}
	if change != nil {
		change(stored)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[id] = &accessv1.FindKeyResponse{Key: stored, SecretHash: hash}
	return id, key
}

// revoke revokes a key at a time. Responses with it are not changed.
func (c *credentials) revoke(id string, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.keys[id]
	c.keys[id] = &accessv1.FindKeyResponse{Key: &accessv1.Key{Id: id, Role: old.GetKey().GetRole(), RevokeTime: timestamppb.New(at)}, SecretHash: old.GetSecretHash()}
}

// callerEcho is an AccessService that returns the caller of a call.
type callerEcho struct {
	accessv1connect.UnimplementedAccessServiceHandler
}

func (callerEcho) GetCaller(ctx context.Context, _ *accessv1.GetCallerRequest) (*accessv1.GetCallerResponse, error) {
	c, _ := auth.CallerOf(ctx)
	return &accessv1.GetCallerResponse{Id: c.ID, Name: c.Name, Roles: c.Roles, NickName: c.Nickname}, nil
}

// refusals counts refused credentials.
type refusals struct {
	mu     sync.Mutex
	counts map[string]int
}

func (r *refusals) RefusedCredential(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[reason]++
}

// An authEdge is an edge that authenticates callers by a credential service in another
// process, and returns them.
type authEdge struct {
	url         string
	credentials *credentials
	refusals    *refusals
	log         *logtest.Buffer
	uses        *auth.KeyUses
}

// authClock is the clock of the edge.
type authClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *authClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *authClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// authOptions returns options of a listener.
func authOptions(t *testing.T) rpc.Options {
	t.Helper()
	options, err := rpc.NewOptions(slog.New(slog.DiscardHandler), noop.NewMeterProvider(), edge.RESTRules)
	kittest.NoError(t, err)
	return options
}

// listen serves a listener until the end of the test.
func listen(t *testing.T, l rpc.Listener) *httptest.Server {
	t.Helper()
	l.Ready = func(context.Context) error { return nil }
	handler, err := l.Handler()
	kittest.NoError(t, err)
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// newAuthEdge starts an edge. tokens may be nil.
func newAuthEdge(t *testing.T, now func() time.Time, tokens *auth.TokenVerifier) *authEdge {
	t.Helper()
	e := &authEdge{
		credentials: &credentials{keys: map[string]*accessv1.FindKeyResponse{}, uses: map[string]time.Time{}},
		refusals:    &refusals{counts: map[string]int{}}, log: &logtest.Buffer{},
	}
	options, log := authOptions(t), slog.New(slog.NewTextHandler(e.log, nil))
	access := listen(t, rpc.Listener{Services: []rpc.Service{rpc.Internal(options, accessv1connect.NewCredentialServiceHandler, accessv1connect.CredentialServiceHandler(e.credentials))}})
	store := edge.KeyStore{Credentials: accessv1connect.NewCredentialServiceClient(rpc.NewHTTPClient(), access.URL, rpc.ClientOptions("access", slog.New(slog.DiscardHandler)))}
	e.uses = auth.NewKeyUses(store, log)
	authenticator := edge.NewAuthenticator(&auth.Authenticator{Keys: auth.NewKeyVerifier(store, e.uses, now), Tokens: tokens}, e.refusals, log)
	e.url = listen(t, rpc.Listener{
		Services: []rpc.Service{rpc.Public(options, accessv1connect.NewAccessServiceHandler, accessv1connect.AccessServiceHandler(callerEcho{}))},
		Stages:   edge.Edge{Authenticator: authenticator}.Stages(),
	}).URL
	return e
}

// A callerCall gets the caller by one protocol. It returns the error of that protocol as one
// of Connect.
type callerCall func(ctx context.Context, url, authorization string) (*accessv1.GetCallerResponse, error)

// callerCalls returns a call for each protocol.
func callerCalls() map[string]callerCall {
	h2 := new(http.Protocols)
	h2.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: h2}}
	by := func(options ...connect.ClientOption) callerCall {
		return func(ctx context.Context, url, authorization string) (*accessv1.GetCallerResponse, error) {
			ctx, call := connect.NewClientContext(ctx)
			if authorization != "" {
				call.RequestHeader().Set("Authorization", authorization)
			}
			return accessv1connect.NewAccessServiceClient(client, url, options...).GetCaller(ctx, &accessv1.GetCallerRequest{})
		}
	}
	return map[string]callerCall{
		"connect": by(), "connect_get": by(connect.WithHTTPGet()), "json": by(connect.WithProtoJSON()), "grpc": by(connect.WithGRPC()), "grpc_web": by(connect.WithGRPCWeb()),
	}
}

func basicAuth(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// TestAuthenticate checks which credentials are accepted by each protocol.
func TestAuthenticate(t *testing.T) {
	issuer := oidctest.Listen(t)
	config := edge.OIDCConfig{Issuer: issuer.URL, Audience: "bongsu", RolesClaim: "groups", RoleMap: []string{"cn=ops,dc=x=operator", "all=viewer", "all=sender"}, NicknameClaim: "nick"}
	kittest.NoError(t, config.CheckBounds())
	tokens := config.TokenConfig()
	tokens.Client, tokens.Now, tokens.Log = http.DefaultClient, time.Now, slog.New(slog.DiscardHandler)
	verifier := auth.NewTokenVerifier(tokens)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { kittest.NoError(t, verifier.Run(ctx)) })
	defer running.Wait()
	defer stop()

	e := newAuthEdge(t, time.Now, verifier)
	id, key := e.credentials.add(t, func(k *accessv1.Key) {
		k.ExpireTime, k.AllowedAddresses = timestamppb.New(time.Now().Add(time.Hour)), []string{"127.0.0.0/8"}
	})
	_, expired := e.credentials.add(t, func(k *accessv1.Key) { k.ExpireTime = timestamppb.New(time.Now().Add(-time.Hour)) })
	_, revoked := e.credentials.add(t, func(k *accessv1.Key) { k.RevokeTime = timestamppb.New(time.Now().Add(-time.Hour)) })
	_, elsewhere := e.credentials.add(t, func(k *accessv1.Key) { k.AllowedAddresses = []string{"10.0.0.7", "fd00::/8"} })
	_, unknown, _, err := auth.NewKey()
	kittest.NoError(t, err)
	token := issuer.Token(map[string]any{"sub": "42", "aud": "bongsu", "exp": time.Now().Add(time.Hour).Unix(), "name": "Kim", "groups": []string{"cn=ops,dc=x", "all", "other"}, "nick": "kim"})
	old := issuer.Token(map[string]any{"sub": "42", "aud": "bongsu", "exp": time.Now().Add(-time.Hour).Unix()})
	foreign := issuer.Token(map[string]any{"sub": "42", "aud": "other", "exp": time.Now().Add(time.Hour).Unix()})

	keyCaller := &accessv1.GetCallerResponse{Id: id, Name: "ci", Roles: []string{"sender"}, NickName: "kim"}
	tokenCaller := &accessv1.GetCallerResponse{Id: "oidc:42", Name: "Kim", Roles: []string{"operator", "sender", "viewer"}, NickName: "kim"}
	nobody := &accessv1.GetCallerResponse{}
	for name, c := range map[string]struct {
		authorization string
		want          *accessv1.GetCallerResponse // nil if it is refused
		reason        auth.Reason
	}{
		"none":                       {"", nobody, ""},
		"key":                        {"Bearer " + key, keyCaller, ""},
		"key, lower case":            {"bearer " + key, keyCaller, ""},
		"key as password":            {basicAuth("grafana", key), keyCaller, ""},
		"key as user":                {basicAuth(key, ""), keyCaller, ""},
		"token":                      {"Bearer " + token, tokenCaller, ""},
		"expired key":                {"Bearer " + expired, nil, auth.ExpiredKey},
		"revoked key":                {"Bearer " + revoked, nil, auth.RevokedKey},
		"key of another address":     {"Bearer " + elsewhere, nil, auth.WrongAddress},
		"unknown key":                {"Bearer " + unknown, nil, auth.UnknownKey},
		"wrong secret":               {"Bearer " + key[:len(key)-52] + unknown[len(unknown)-52:], nil, auth.WrongSecret},
		"malformed key":              {"Bearer " + key[:len(key)-1], nil, auth.Malformed},
		"key as user and a password": {basicAuth(key, "x"), nil, auth.Malformed},
		"token as password":          {basicAuth("x", token), nil, auth.Malformed},
		"expired token":              {"Bearer " + old, nil, auth.ExpiredToken},
		"token for others":           {"Bearer " + foreign, nil, auth.InvalidToken},
		"no token":                   {"Bearer x", nil, auth.InvalidToken},
		"another scheme":             {"Digest " + key, nil, auth.Malformed},
		"key without a scheme":       {key, nil, auth.Malformed},
	} {
		for protocol, call := range callerCalls() {
			t.Run(name+"/"+protocol, func(t *testing.T) {
				before := e.refusals.counts[string(c.reason)]
				got, err := call(t.Context(), e.url, c.authorization)
				if c.want != nil {
					kittest.NoError(t, err)
					kittest.Equal(t, got.String(), c.want.String())
					return
				}
				refused, ok := errors.AsType[*connect.Error](err)
				if !ok || refused.Code() != connect.CodeUnauthenticated || !strings.HasPrefix(refused.Meta().Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("error is %v with %q", err, refused.Meta())
				}
				if n := e.refusals.counts[string(c.reason)] - before; n != 1 {
					t.Errorf("counted %d times as %s: %v", n, c.reason, e.refusals.counts)
				}
			})
		}
		t.Run(name+"/rest", func(t *testing.T) {
			for _, path := range []string{"/v1/caller", "/healthz"} {
				status, header := get(t, e.url+path, c.authorization)
				if (status == http.StatusOK) != (c.want != nil) || (status == http.StatusUnauthorized) != (c.want == nil) {
					t.Errorf("%s: status %d", path, status)
				}
				if challenged := strings.HasPrefix(header.Get("WWW-Authenticate"), "Bearer"); challenged != (c.want == nil) {
					t.Errorf("%s: WWW-Authenticate %q", path, header.Get("WWW-Authenticate"))
				}
			}
		})
	}
	for _, secret := range []string{key, expired, revoked, elsewhere, unknown} {
		if e.log.Count(secret[len(secret)-52:]) > 0 {
			t.Error("the log holds a secret")
		}
	}
	if e.log.Count("credential refused") == 0 {
		t.Error("no refusal is logged")
	}
	ended, end := context.WithCancel(t.Context())
	end()
	kittest.NoError(t, e.uses.Run(ended))
	if at := e.credentials.uses[id]; len(e.credentials.uses) != 1 || time.Since(at).Abs() > time.Minute {
		t.Errorf("recorded uses are %v, want one of %s", e.credentials.uses, id)
	}
}

// get sends a GET request, and returns the status and the header of the response.
func get(t *testing.T, url, authorization string) (status int, header http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	kittest.NoError(t, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	res, err := http.DefaultClient.Do(req)
	kittest.NoError(t, err)
	kittest.NoError(t, res.Body.Close())
	return res.StatusCode, res.Header
}

// TestAccessServiceAway checks that a cached key is accepted for 5 s without the access
// service, and that requests then get 503 on every path: neither 401 nor an open door.
func TestAccessServiceAway(t *testing.T) {
	clock := &authClock{now: time.Now()}
	e := newAuthEdge(t, clock.Now, nil)
	_, key := e.credentials.add(t, nil)
	_, unused := e.credentials.add(t, nil)
	for _, call := range callerCalls() {
		if _, err := call(t.Context(), e.url, "Bearer "+key); err != nil {
			t.Fatal(err)
		}
	}
	e.credentials.setDown(true)
	clock.advance(4 * time.Second)
	if status, _ := get(t, e.url+"/v1/caller", "Bearer "+key); status != http.StatusOK {
		t.Errorf("cached: status %d", status)
	}
	clock.advance(time.Second)
	for _, credential := range []string{key, unused} {
		for protocol, call := range callerCalls() {
			if _, err := call(t.Context(), e.url, "Bearer "+credential); connect.CodeOf(err) != connect.CodeUnavailable {
				t.Errorf("%s: error is %v", protocol, err)
			}
		}
		for _, path := range []string{"/v1/caller", "/v1/groups", "/healthz", "/unknown"} {
			if status, header := get(t, e.url+path, "Bearer "+credential); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
				t.Errorf("%s: status %d, Retry-After %q", path, status, header.Get("Retry-After"))
			}
		}
	}
	if e.refusals.counts["unavailable"] == 0 || e.log.Count("credentials cannot be verified") == 0 {
		t.Error("neither counted nor logged")
	}
	e.credentials.setDown(false)
	if status, _ := get(t, e.url+"/v1/caller", "Bearer "+key); status != http.StatusOK {
		t.Errorf("access service is back: status %d", status)
	}
}
