package proc

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// AdminKey waits until bongsu listens, and returns the admin key that its first start
// with --auth=required wrote into the data folder.
func (p *Process) AdminKey(t T, data string) string {
	t.Helper()
	p.URLs(t, 1)
	text, err := os.ReadFile(filepath.Join(data, "admin.key"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// A KeyTransport is an http.RoundTripper that sends an API key with each request. It is
// safe for concurrent use.
type KeyTransport struct {
	Key  string            // empty for none
	Base http.RoundTripper // nil for http.DefaultTransport
}

// RoundTrip sends a copy of a request with the key, and leaves the request as it is.
func (k KeyTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	base := k.Base
	if base == nil {
		base = http.DefaultTransport
	}
	if k.Key == "" {
		return base.RoundTrip(req)
	}
	authorized := req.Clone(req.Context())
	authorized.Header.Set("Authorization", Bearer(k.Key))
	return base.RoundTrip(authorized)
}

// Bearer returns the value of the header Authorization for an API key; empty for none.
func Bearer(key string) string {
	if key == "" {
		return ""
	}
	return "Bearer " + key
}
