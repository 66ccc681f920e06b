package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/test/proc"
)

// A faultyServer is an HTTP server that fails on demand.
type faultyServer struct {
	url   string
	delay atomic.Int64 // of responses, in nanoseconds
	fails atomic.Bool
}

func startFaultyServer(t *testing.T) *faultyServer {
	t.Helper()
	s := &faultyServer{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Duration(s.delay.Load())):
		case <-r.Context().Done():
		}
		if s.fails.Load() {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// A cutOffServer accepts connections, and answers unless it is cut off.
type cutOffServer struct {
	addr string
	off  atomic.Bool
}

func startCutOffServer(t *testing.T) *cutOffServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	s := &cutOffServer{addr: listener.Addr().String()}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if s.off.Load() {
				t.Cleanup(func() { _ = conn.Close() })
				continue
			}
			_, _ = conn.Write([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
			go func() {
				_, _ = conn.Read(make([]byte, 4096)) // the request: a connection with unread data is reset
				_ = conn.Close()
			}()
		}
	}()
	return s
}

// An authority issues certificates of 127.0.0.1.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string // with its certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	certificate, err := x509.ParseCertificate(der)
	must(t, err)
	a := &authority{certificate: certificate, key: key, file: filepath.Join(t.TempDir(), "ca.pem")}
	must(t, os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return a
}

// issue returns a certificate that is valid for a time.
func (a *authority) issue(t *testing.T, valid time.Duration) *tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(valid),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, a.key.Public(), a.key)
	must(t, err)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
}

// startTLSServer starts a server with a certificate that may be replaced, and returns its address.
func startTLSServer(t *testing.T, certificate *atomic.Pointer[tls.Certificate]) string {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.Load(), nil },
	})
	must(t, err)
	server := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

// A natsCluster is NATS servers on ports that they keep.
type natsCluster struct {
	ports   []int
	servers []*proc.Process
	start   func(n int)
}

func startNATSCluster(t *testing.T, size int) *natsCluster {
	t.Helper()
	c := &natsCluster{servers: make([]*proc.Process, size)}
	route := fmt.Sprintf("nats://127.0.0.1:%d", proc.Port(t))
	for range size {
		c.ports = append(c.ports, proc.Port(t))
	}
	c.start = func(n int) {
		cluster := "nats://127.0.0.1:-1"
		if n == 0 {
			cluster = route
		}
		c.servers[n] = proc.Start(t, exec.Command(binaries.NATSServer, "--addr", "127.0.0.1", "--port", strconv.Itoa(c.ports[n]),
			"--cluster_name", "watched", "--cluster", cluster, "--routes", route))
	}
	for n := range size {
		c.start(n)
	}
	return c
}

// url returns the URL of a server.
func (c *natsCluster) url(n int) string { return fmt.Sprintf("nats://127.0.0.1:%d", c.ports[n]) }

// smallDisk returns the folder of a new file system of 16 MiB in a file, or in memory.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir, image := t.TempDir(), filepath.Join(t.TempDir(), "disk")
	must(t, os.WriteFile(image, nil, 0o600))
	must(t, os.Truncate(image, 16<<20))
	out, err := exec.Command("mkfs.ext4", "-q", "-F", image).CombinedOutput()
	if err == nil {
		out, err = exec.Command("mount", "-o", "loop", image, dir).CombinedOutput()
	}
	if err != nil {
		t.Logf("mounting a file system in a file failed, one in memory is used: %v %s", err, out)
		out, err = exec.Command("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", dir).CombinedOutput()
	}
	if err != nil {
		t.Skipf("mounting a file system failed (needs root on Linux): %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
	return dir
}

// fillDisk fills most of a small disk, and returns the file that does.
func fillDisk(t *testing.T, dir string) string {
	t.Helper()
	balloon := filepath.Join(dir, "balloon")
	must(t, os.WriteFile(balloon, bytes.Repeat([]byte{1}, 13<<20), 0o600))
	return balloon
}
