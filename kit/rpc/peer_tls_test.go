package rpc_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"connectrpc.com/connect"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

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
