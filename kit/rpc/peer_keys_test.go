package rpc_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// newKeyFile returns a file with keys.
func newKeyFile(t *testing.T, keys ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "internal.key")
	replaceKeys(t, path, keys...)
	return path
}

func replaceKeys(t *testing.T, path string, keys ...string) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path+".new", []byte(strings.Join(keys, "\n")), 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

var (
	firstKey  = strings.Repeat("1", 40)
	secondKey = strings.Repeat("2", 40)
)

// TestPeersByKey checks that a port serves peers with the key only, and passes on callers.
func TestPeersByKey(t *testing.T) {
	clock := &fakeTime{}
	path := newKeyFile(t, firstKey)
	peers := openPeers(t, rpc.PeerConfig{KeyFile: path}, clock)
	service, addr := servePeers(t, peers)
	url := "http://" + addr

	caller := auth.Caller{ID: "k1", Name: "김", Roles: []string{"sender"}, Nickname: "kim"}
	for name, want := range map[string]*auth.Caller{"nobody": nil, "a caller": &caller} {
		ctx := t.Context()
		if want != nil {
			ctx = auth.WithCaller(ctx, *want)
		}
		if err := getAlert(ctx, peers.Client(), url); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := service.last.Load(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the service sees %v", name, got)
		}
	}
	stream, err := alertv1connect.NewAlertServiceClient(peers.Client(), url, rpc.ClientOptions("alert", quiet)).
		WatchAlert(auth.WithCaller(t.Context(), caller), &alertv1.WatchAlertRequest{Id: "1"})
	if err != nil || !stream.Receive() {
		t.Errorf("a stream: %v, %v", err, stream.Err())
	} else if got := service.last.Load(); !reflect.DeepEqual(got, &caller) {
		t.Errorf("a stream: the service sees %v", got)
	}
	_ = stream.Close() // the test has what it needs

	calls := service.calls.Load()
	for name, header := range map[string]http.Header{
		"no key":              {},
		"a wrong key":         {"Authorization": {"Bearer " + secondKey}},
		"no scheme":           {"Authorization": {firstKey}},
		"another scheme":      {"Authorization": {"Basic " + firstKey}},
		"a caller and no key": {"X-Internal-Caller": {auth.EncodeCaller(caller)}},
	} {
		for _, path := range []string{"/bongsu.alert.v1.AlertService/GetAlert", "/v1/alerts/1", "/metrics", "/openapi.yaml", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"} {
			if status := post(t, http.DefaultClient, url+path, header); status != http.StatusUnauthorized {
				t.Errorf("%s: %s: status %d", name, path, status)
			}
		}
	}
	if service.calls.Load() != calls {
		t.Error("a refused request reached the service")
	}
	if status := post(t, http.DefaultClient, url+"/bongsu.alert.v1.AlertService/GetAlert", http.Header{"Authorization": {"bearer " + firstKey}, "X-Internal-Caller": {"!"}}); status != http.StatusBadRequest {
		t.Errorf("a malformed caller: status %d", status)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		res, err := http.Get(url + path)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Errorf("%s: %v, %v", path, res, err)
		} else {
			_ = res.Body.Close()
		}
	}
	if status := post(t, http.DefaultClient, url+"/grpc.health.v1.Health/Check", nil); status != http.StatusOK {
		t.Errorf("gRPC health: status %d", status)
	}
}

// TestServiceAuthentication checks that unauthenticated of a service reaches its caller where the
// service itself verifies a credential, and that of a port with another key never does.
func TestServiceAuthentication(t *testing.T) {
	peers := openPeers(t, rpc.PeerConfig{KeyFile: newKeyFile(t, firstKey)}, &fakeTime{})
	_, guarded := servePeers(t, peers)
	strangers := openPeers(t, rpc.PeerConfig{KeyFile: newKeyFile(t, secondKey)}, &fakeTime{})
	const path = "/bongsu.alert.v1.AlertService/GetAlert"
	service := httptest.NewUnstartedServer(connect.NewUnaryHandler(path, func(context.Context, *connect.Request[alertv1.GetAlertRequest]) (*connect.Response[alertv1.GetAlertResponse], error) {
		return nil, connect.NewError(connect.CodeUnauthenticated, errors.New("wrong password"))
	}))
	service.Config.Protocols = new(http.Protocols)
	service.Config.Protocols.SetUnencryptedHTTP2(true)
	service.Start()
	defer service.Close()
	for _, grpc := range []bool{false, true} {
		options := []connect.ClientOption{rpc.ClientOptions("alert", quiet)}
		if grpc {
			options = append(options, connect.WithGRPC())
		}
		for name, c := range map[string]struct {
			url     string
			service bool
			want    connect.Code
		}{
			"the service, which verifies":    {service.URL, true, connect.CodeUnauthenticated},
			"the service, which does not":    {service.URL, false, connect.CodeUnavailable},
			"the port, service verifies":     {"http://" + guarded, true, connect.CodeUnavailable},
			"the port, service verifies not": {"http://" + guarded, false, connect.CodeUnavailable},
		} {
			ctx := t.Context()
			if c.service {
				ctx = rpc.WithServiceAuthentication(ctx)
			}
			_, err := alertv1connect.NewAlertServiceClient(strangers.Client(), c.url, options...).GetAlert(ctx, &alertv1.GetAlertRequest{Id: "1"})
			if e, ok := errors.AsType[*connect.Error](err); !ok || e.Code() != c.want || strings.Contains(e.Message(), "wrong password") != (c.want == connect.CodeUnauthenticated) {
				t.Errorf("%s, gRPC %v: %v", name, grpc, err)
			}
		}
	}
}

// TestPeerKeysRotate replaces the keys of two processes, one after the other, while they
// serve: no call fails.
func TestPeerKeysRotate(t *testing.T) {
	clock := &fakeTime{}
	theirs, ours := newKeyFile(t, firstKey), newKeyFile(t, firstKey)
	_, addr := servePeers(t, openPeers(t, rpc.PeerConfig{KeyFile: theirs}, clock))
	client := openPeers(t, rpc.PeerConfig{KeyFile: ours}, clock).Client()
	for _, step := range []struct {
		path string
		keys []string
		code connect.Code // 0 for success
	}{
		{theirs, []string{firstKey, secondKey}, 0},
		{ours, []string{firstKey, secondKey}, 0},
		{ours, []string{secondKey, firstKey}, 0},
		{theirs, []string{secondKey, firstKey}, 0},
		{theirs, []string{secondKey}, 0},
		{ours, []string{secondKey}, 0},
		{ours, []string{firstKey}, connect.CodeUnavailable}, // the process is wrong, and not its caller
		{ours, []string{secondKey}, 0},
	} {
		replaceKeys(t, step.path, step.keys...)
		clock.advance()
		err := getAlert(t.Context(), client, "http://"+addr)
		if step.code == 0 && err != nil || step.code != 0 && (connect.CodeOf(err) != step.code || !errors.Is(err, fault.ErrUnavailable)) {
			t.Errorf("%v: %v", step.keys, err)
		}
	}
}

// TestKeyStaysHere checks that neither a redirect nor a service outside gets the key.
func TestKeyStaysHere(t *testing.T) {
	clock := &fakeTime{}
	var seen atomic.Pointer[http.Header]
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: protocols, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header.Clone()
		seen.Store(&header)
		if r.URL.Path == "/readyz" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	url := "http://" + listener.Addr().String()
	peers := openPeers(t, rpc.PeerConfig{KeyFile: newKeyFile(t, firstKey)}, clock)
	theirs, err := auth.OpenPeerKeys(newKeyFile(t, secondKey), clock.now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		client  *http.Client
		path    string
		want    string
		visible bool
	}{
		{peers.Client(), "/readyz", "Bearer " + firstKey, true},
		{peers.OutsideClient(nil), "/x", "", false},
		{peers.OutsideClient(theirs), "/x", "Bearer " + secondKey, false},
	} {
		req, err := http.NewRequestWithContext(auth.WithCaller(t.Context(), auth.Caller{ID: "k1"}), http.MethodGet, url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Fatal(err)
		}
		got := *seen.Load()
		if got.Get("Authorization") != c.want || (got.Get("X-Internal-Caller") != "") != c.visible {
			t.Errorf("%s: sent %v", c.path, got)
		}
		if c.path == "/readyz" && res.StatusCode != http.StatusTemporaryRedirect {
			t.Errorf("a redirect was followed: status %d", res.StatusCode)
		}
	}
}
