package messengertest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Endpoint returns the endpoint of a provider at base.
func Endpoint(base string, client *http.Client) call.Endpoint {
	return call.Endpoint{Client: client, Now: func() time.Time { return Noon }, URL: base}
}

// NewClient returns a client of call.NewClient whose connections are closed when the test ends.
func NewClient(t *testing.T) *http.Client {
	t.Helper()
	c := call.NewClient(call.ClientConfig{AllowAll: true})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// Provider starts a provider that responds to every call by a handler.
func Provider(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// rawProvider starts a provider that handles raw connections.
func rawProvider(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var g sync.WaitGroup
	g.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		g.Wait()
	})
	return "http://" + listener.Addr().String()
}

// Echo returns all parts of a request as a response body, with the credential in every
// encoding.
func Echo(r *http.Request) string {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	user, password, _ := r.BasicAuth()
	body, _ := io.ReadAll(r.Body)
	text := fmt.Sprintf("%s %s %s %s %s %s %s ", r.URL, r.RequestURI, r.URL.Query(), r.Header, body, user, password)
	return text + fmt.Sprintf("%s %s %s %q %s", token, url.QueryEscape(token), url.PathEscape(token), token, strings.ReplaceAll(token, "/", `\/`))
}

// write writes to a response, and reports whether the client still reads it.
func write(w http.ResponseWriter, text string) bool {
	_, err := io.WriteString(w, text)
	return err == nil && !errors.Is(http.NewResponseController(w).Flush(), net.ErrClosed)
}
