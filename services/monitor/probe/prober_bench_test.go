package probe

import (
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkRun measures checks with the server in the same process.
func BenchmarkRun(b *testing.B) {
	plain, secured := httptest.NewServer(respond(200, `{"status":"ok"}`)), httptest.NewTLSServer(respond(200, `{"status":"ok"}`))
	defer plain.Close()
	defer secured.Close()
	roots := x509.NewCertPool()
	roots.AddCert(secured.Certificate())
	p := New(Env{Private: true, Roots: roots})
	for _, c := range []struct {
		name  string
		check Check
	}{
		{"http", &HTTP{URL: plain.URL}},
		{"http with JSON path", &HTTP{URL: plain.URL, JSONPath: "$.status", JSONValue: "ok"}},
		{"https", &HTTP{URL: secured.URL}},
		{"tcp", &TCP{Address: strings.TrimPrefix(plain.URL, "http://")}},
		{"host", &Host{DiskPercent: 100, MemoryPercent: 100, Load: 1e9}},
		{"process", &Process{Name: "no-such-program", MinCount: 1}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f := p.Run(b.Context(), c.check); f.Outcome == Unknown {
					b.Fatalf("%+v", f)
				}
			}
		})
	}
}
