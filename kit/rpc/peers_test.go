package rpc_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

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
