package rpc_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// TestCertificateReplaced replaces the certificate of a port while it serves: new connections
// get the new one, and those that are open, with a response under way, go on.
func TestCertificateReplaced(t *testing.T) {
	clock := &fakeTime{}
	ca := certtest.New(t)
	folder := t.TempDir()
	certFile, keyFile, before := ca.Issue(t, folder, "127.0.0.1")
	cert, err := rpc.OpenCertificate(certFile, keyFile, clock.now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	admission, err := rpc.NewAdmission(0, quiet)
	if err != nil {
		t.Fatal(err)
	}
	proceed := make(chan struct{})
	server, err := admission.ListenTLS(t.Context(), "127.0.0.1:0", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			_, _ = w.Write([]byte("first ")) // fails only if the client is gone
			_ = http.NewResponseController(w).Flush()
			<-proceed
		}
		_, _ = w.Write([]byte("last"))
	}), cert.ServerTLS())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, 10*time.Second) }()
	url := "https://" + server.Addr()

	for _, http2 := range []bool{false, true} {
		client := func() *http.Client {
			return &http.Client{Transport: &http.Transport{TLSClientConfig: ca.ClientTLS(t, "", ""), ForceAttemptHTTP2: http2}}
		}
		serialOf := func(c *http.Client) string {
			t.Helper()
			res, err := c.Get(url)
			if err != nil {
				t.Fatal(err)
			}
			_ = readBody(t, res)
			if want := 1 + map[bool]int{true: 1}[http2]; res.ProtoMajor != want {
				t.Errorf("HTTP/%d, want %d", res.ProtoMajor, want)
			}
			return res.TLS.PeerCertificates[0].SerialNumber.String()
		}
		open := client()
		if got := serialOf(open); got != before {
			t.Errorf("serial %s, want %s", got, before)
		}
		slow, err := open.Get(url + "/slow")
		if err != nil {
			t.Fatal(err)
		}
		_, _, after := ca.Issue(t, folder, "127.0.0.1")
		clock.advance()
		if got := serialOf(client()); got != after {
			t.Errorf("a new connection: serial %s, want %s", got, after)
		}
		if got := serialOf(open); http2 && got != before {
			t.Errorf("the open connection: serial %s, want %s", got, before)
		}
		proceed <- struct{}{}
		if body := readBody(t, slow); body != "first last" {
			t.Errorf("the response under way: %q", body)
		}

		// A certificate whose key is not there yet changes nothing.
		another := t.TempDir()
		half, _, _ := ca.Issue(t, another, "127.0.0.1")
		copyFile(t, certFile, half)
		clock.advance()
		if got := serialOf(client()); got != after {
			t.Errorf("half replaced: serial %s, want %s", got, after)
		}
		copyFile(t, keyFile, filepath.Join(another, "key.pem"))
		clock.advance()
		if before = serialOf(client()); before == after {
			t.Error("wholly replaced: the certificate is the same")
		}
	}
	if conn, err := tls.Dial("tcp", server.Addr(), &tls.Config{RootCAs: ca.Pool, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is served")
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
