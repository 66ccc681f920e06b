package edge

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest"
)

// TestStreamWriter disconnects a caller that does not read, and keeps a stream that is idle
// for longer than the timeout of a write.
func TestStreamWriter(t *testing.T) {
	const timeout, patience = 100 * time.Millisecond, 30 * time.Second
	message := make([]byte, 32<<10)
	for name, proto := range map[string]func(*http.Protocols){
		"HTTP/1.1": func(p *http.Protocols) { p.SetHTTP1(true) },
		"HTTP/2":   func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) },
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error, 1)
			handler := func(w http.ResponseWriter, r *http.Request) {
				stream := newStreamWriter(w, timeout)
				if r.URL.Path == "/idle" {
					_, first := stream.Write(message)
					stream.Flush()
					select {
					case <-time.After(3 * timeout):
					case <-r.Context().Done():
					}
					_, second := stream.Write(message)
					ended <- errors.Join(first, r.Context().Err(), second)
					return
				}
				for r.Context().Err() == nil {
					if _, err := stream.Write(message); err != nil {
						ended <- err
						return
					}
					stream.Flush()
				}
				ended <- r.Context().Err()
			}
			server, client := serveBy(t, proto, handler)
			for path, pieces := range map[string]int{"/idle": 2, "/endless": 1} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+path, nil)
				kittest.NoError(t, err)
				res, err := client.Do(req)
				kittest.NoError(t, err)
				t.Cleanup(func() { res.Body.Close() }) //nolint:errcheck // the server has closed it
				_, err = io.ReadFull(res.Body, make([]byte, pieces*len(message)))
				kittest.NoError(t, err) // and no more
				select {
				case err := <-ended:
					if idle := path == "/idle"; idle != (err == nil) {
						t.Errorf("%s: the stream ended with %v", path, err)
					}
				case <-time.After(patience):
					t.Errorf("%s: the stream does not end", path)
				}
			}
		})
	}
}

// serveBy serves a handler by one protocol, and returns a client that uses it.
func serveBy(t *testing.T, proto func(*http.Protocols), handler http.HandlerFunc) (url string, client *http.Client) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	protocols := new(http.Protocols)
	proto(protocols)
	server.Config.Protocols = protocols
	server.Start()
	t.Cleanup(server.Close)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return server.URL, &http.Client{Transport: transport}
}
