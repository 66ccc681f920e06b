package call

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// noon is the time of every clock in these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// endpoint returns the endpoint of user-given URLs.
func endpoint(client *http.Client) Endpoint {
	return Endpoint{Client: client, Now: func() time.Time { return noon }}
}

// newClient returns a client of NewClient whose connections are closed when the test ends.
func newClient(t *testing.T) *http.Client {
	t.Helper()
	c := NewClient(ClientConfig{AllowAll: true})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// provider starts a provider that responds to every call by answer.
func provider(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

// roundTrip is a transport by a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
