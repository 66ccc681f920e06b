package rpc_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/metric/noop"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1/alertv1connect"
	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
	"github.com/bongsu-project/bongsu/kit/livefile"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// A callerService records its callers.
type callerService struct {
	alertv1connect.UnimplementedAlertServiceHandler
	calls atomic.Int64
	last  atomic.Pointer[auth.Caller] // nil for none
}

func (s *callerService) GetAlert(ctx context.Context, _ *alertv1.GetAlertRequest) (*alertv1.GetAlertResponse, error) {
	s.calls.Add(1)
	s.last.Store(nil)
	if c, ok := auth.CallerOf(ctx); ok {
		s.last.Store(&c)
	}
	return &alertv1.GetAlertResponse{}, nil
}

func (s *callerService) WatchAlert(ctx context.Context, _ *alertv1.WatchAlertRequest, stream *connect.ServerStream[alertv1.WatchAlertResponse]) error {
	if _, err := s.GetAlert(ctx, nil); err != nil {
		return err
	}
	return stream.Send(&alertv1.WatchAlertResponse{})
}

// A fakeTime is a clock that tests advance.
type fakeTime struct{ nanos atomic.Int64 }

func (f *fakeTime) now() time.Time { return time.Unix(0, f.nanos.Load()) }

// advance lets changed files be read again.
func (f *fakeTime) advance() { f.nanos.Add(int64(livefile.CheckInterval)) }

var quiet = slog.New(slog.DiscardHandler)

// openPeers returns the peers of a configuration.
func openPeers(t *testing.T, config rpc.PeerConfig, clock *fakeTime) *rpc.Peers {
	t.Helper()
	peers, err := rpc.OpenPeers(config, clock.now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return peers
}

// servePeers serves a callerService on a port for peers, and returns its address.
func servePeers(t *testing.T, peers *rpc.Peers) (service *callerService, addr string) {
	t.Helper()
	options, err := rpc.NewOptions(quiet, noop.NewMeterProvider(), noop.Int64Counter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	service = &callerService{}
	l := rpc.Listener{
		Services: []rpc.Service{rpc.Public(options, alertv1connect.NewAlertServiceHandler, alertv1connect.AlertServiceHandler(service))},
		Ready:    func(context.Context) error { return nil },
		Handlers: map[string]http.Handler{"GET /metrics": http.NotFoundHandler()},
	}
	if stage := peers.Stage(); stage != nil {
		l.Stages = append(l.Stages, stage)
	}
	handler, err := l.Handler()
	if err != nil {
		t.Fatal(err)
	}
	admission, err := rpc.NewAdmission(0, quiet)
	if err != nil {
		t.Fatal(err)
	}
	server, err := admission.ListenTLS(t.Context(), "127.0.0.1:0", handler, peers.ServerTLS())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, 10*time.Second) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return service, server.Addr()
}

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

// getAlert calls GetAlert by gRPC.
func getAlert(ctx context.Context, client connect.HTTPClient, url string) error {
	_, err := alertv1connect.NewAlertServiceClient(client, url, rpc.ClientOptions("alert", quiet)).GetAlert(ctx, &alertv1.GetAlertRequest{Id: "1"})
	return err
}

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

// post posts a request as JSON, and returns the status.
func post(t *testing.T, client *http.Client, url string, header http.Header) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"id":"1"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
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

// TestPeersByTLS checks that a port serves peers with a certificate of the authority only, while
// certificates and authority are replaced, and that health needs none.
func TestPeersByTLS(t *testing.T) {
	clock := &fakeTime{}
	ca, other := certtest.New(t), certtest.New(t)
	config := func(a *certtest.Authority, names ...string) rpc.PeerConfig {
		cert, key, _ := a.Issue(t, t.TempDir(), names...)
		authority := filepath.Join(t.TempDir(), "ca.pem")
		copyFile(t, authority, ca.File)
		return rpc.PeerConfig{CertFile: cert, TLSKeyFile: key, CAFile: authority}
	}
	serverConfig := config(ca, "127.0.0.1")
	service, addr := servePeers(t, openPeers(t, serverConfig, clock))
	url := "https://" + addr
	caller := auth.Caller{ID: "k1"}
	clientConfig := config(ca)
	peer := openPeers(t, clientConfig, clock).Client()
	if err := getAlert(auth.WithCaller(t.Context(), caller), peer, url); err != nil || !reflect.DeepEqual(service.last.Load(), &caller) {
		t.Errorf("a peer: %v, caller %v", err, service.last.Load())
	}

	calls := service.calls.Load()
	if err := getAlert(t.Context(), openPeers(t, config(other), clock).Client(), url); connect.CodeOf(err) != connect.CodeUnavailable {
		t.Errorf("a certificate of another authority: %v", err)
	}
	stranger := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.ClientTLS(t, "", ""), ForceAttemptHTTP2: true}}
	if status := post(t, stranger, url+"/bongsu.alert.v1.AlertService/GetAlert", http.Header{"X-Internal-Caller": {auth.EncodeCaller(caller)}}); status != http.StatusUnauthorized {
		t.Errorf("no certificate: status %d", status)
	}
	if status := post(t, stranger, url+"/grpc.health.v1.Health/Check", nil); status != http.StatusOK {
		t.Errorf("health without a certificate: status %d", status)
	}
	if res, err := http.Get("http://" + addr + "/healthz"); err == nil {
		_ = res.Body.Close()
		if res.StatusCode == http.StatusOK {
			t.Error("the port serves cleartext")
		}
	}
	_, impostor := servePeers(t, openPeers(t, config(ca, "127.0.0.2"), clock))
	if err := getAlert(t.Context(), openPeers(t, clientConfig, clock).Client(), "https://"+impostor); err == nil {
		t.Error("a server with a certificate for another host was called")
	}
	if service.calls.Load() != calls {
		t.Error("a refused request reached the service")
	}

	// A new authority: trusted beside the old one first, then it alone.
	both := append(readFile(t, ca.File), readFile(t, other.File)...)
	for _, path := range []string{serverConfig.CAFile, clientConfig.CAFile} {
		replaceFile(t, path, both)
	}
	other.Issue(t, filepath.Dir(serverConfig.CertFile), "127.0.0.1")
	other.Issue(t, filepath.Dir(clientConfig.CertFile))
	for _, path := range []string{serverConfig.CAFile, clientConfig.CAFile} {
		replaceFile(t, path, readFile(t, other.File))
	}
	clock.advance()
	if err := getAlert(t.Context(), peer, url); err != nil {
		t.Errorf("an open connection: %v", err)
	}
	peer.CloseIdleConnections()
	if err := getAlert(t.Context(), peer, url); err != nil {
		t.Errorf("the new authority: %v", err)
	}
	if err := getAlert(t.Context(), openPeers(t, config(ca), clock).Client(), url); err == nil {
		t.Error("the old authority is accepted")
	}
}

// TestPeersByKeyAndTLS checks that both are needed where both are configured.
func TestPeersByKeyAndTLS(t *testing.T) {
	clock := &fakeTime{}
	ca := certtest.New(t)
	cert, key, _ := ca.Issue(t, t.TempDir(), "127.0.0.1")
	both := rpc.PeerConfig{KeyFile: newKeyFile(t, firstKey), CertFile: cert, TLSKeyFile: key, CAFile: ca.File}
	service, addr := servePeers(t, openPeers(t, both, clock))
	if err := getAlert(t.Context(), openPeers(t, both, clock).Client(), "https://"+addr); err != nil {
		t.Errorf("both: %v", err)
	}
	onlyTLS := both
	onlyTLS.KeyFile = ""
	if err := getAlert(t.Context(), openPeers(t, onlyTLS, clock).Client(), "https://"+addr); err == nil {
		t.Error("a certificate alone is enough")
	}
	onlyKey := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.ClientTLS(t, "", ""), ForceAttemptHTTP2: true}}
	if status := post(t, onlyKey, "https://"+addr+"/bongsu.alert.v1.AlertService/GetAlert", http.Header{"Authorization": {"Bearer " + firstKey}}); status != http.StatusUnauthorized {
		t.Errorf("a key alone: status %d", status)
	}
	if service.calls.Load() != 1 {
		t.Errorf("%d calls reached the service", service.calls.Load())
	}
}

// TestPeersNotRequired checks that a caller in a header is ignored without authentication of peers.
func TestPeersNotRequired(t *testing.T) {
	peers := openPeers(t, rpc.PeerConfig{}, &fakeTime{})
	service, addr := servePeers(t, peers)
	header := http.Header{"X-Internal-Caller": {auth.EncodeCaller(auth.Caller{ID: "admin"})}}
	if status := post(t, http.DefaultClient, "http://"+addr+"/bongsu.alert.v1.AlertService/GetAlert", header); status != http.StatusOK || service.last.Load() != nil {
		t.Errorf("status %d, caller %v", status, service.last.Load())
	}
	if err := getAlert(auth.WithCaller(t.Context(), auth.Caller{ID: "k1"}), peers.Client(), "http://"+addr); err != nil || service.last.Load() != nil {
		t.Errorf("%v, caller %v", err, service.last.Load())
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

func TestOpenPeersErrors(t *testing.T) {
	ca := certtest.New(t)
	cert, key, _ := ca.Issue(t, t.TempDir())
	_, otherKey, _ := ca.Issue(t, t.TempDir())
	for name, config := range map[string]rpc.PeerConfig{
		"no key file":        {KeyFile: filepath.Join(t.TempDir(), "none")},
		"no certificate":     {CertFile: key, TLSKeyFile: key, CAFile: ca.File},
		"another key":        {CertFile: cert, TLSKeyFile: otherKey, CAFile: ca.File},
		"no authority":       {CertFile: cert, TLSKeyFile: key, CAFile: key},
		"no authority there": {CertFile: cert, TLSKeyFile: key, CAFile: filepath.Join(t.TempDir(), "none")},
	} {
		if _, err := rpc.OpenPeers(config, time.Now, quiet); err == nil || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func replaceFile(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := errors.Join(os.WriteFile(path+".new", text, 0o600), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

func copyFile(t *testing.T, to, from string) {
	t.Helper()
	replaceFile(t, to, readFile(t, from))
}

func readBody(t *testing.T, res *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
