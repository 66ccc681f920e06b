package call

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

func TestFailureCodes(t *testing.T) {
	dial := func(err error) error {
		return &url.Error{Op: "Post", URL: "https://secret.example/", Err: &net.OpError{Op: "dial", Net: "tcp", Err: err}}
	}
	for _, c := range []struct {
		err          error
		unsent, lost string
	}{
		{dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), "connection_refused", "connection_lost"},
		{dial(&net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}), "dns_error", "connection_lost"},
		{dial(os.NewSyscallError("connect", syscall.ENETUNREACH)), "dial_error", "connection_lost"},
		{dial(os.ErrDeadlineExceeded), "timeout", "timeout"},
		{dial(context.DeadlineExceeded), "timeout", "timeout"},
		{dial(context.Canceled), "canceled", "canceled"},
		{&tls.CertificateVerificationError{Err: errors.New("expired")}, "tls_error", "connection_lost"},
		{&net.OpError{Op: "remote error", Err: errors.New("tls: handshake failure")}, "tls_error", "connection_lost"},
		{errors.New("unsupported protocol scheme"), "connection_error", "connection_lost"},
	} {
		for begun, want := range map[bool]messenger.Outcome{false: {Kind: messenger.Retry, Code: c.unsent}, true: {Kind: messenger.Unknown, Code: c.lost}} {
			o := Response{requestWritten: begun, Err: c.err}.Outcome(noon)
			if o.Kind != want.Kind || o.Code != want.Code || o.Excerpt == "" || strings.Contains(o.Excerpt, "secret") {
				t.Errorf("%v, begun %v: %+v, want %s %s", c.err, begun, o, want.Kind, want.Code)
			}
		}
	}
}

// TestNoPasswordOfAProxy verifies that the URL of a proxy is redacted: net/http quotes
// one that it cannot parse.
func TestNoPasswordOfAProxy(t *testing.T) {
	for _, err := range []error{
		fmt.Errorf("invalid proxy address %q: %v", "http://kim:s3cret@h:port", "invalid port"),
		&url.Error{Op: "parse", URL: "http://kim:s3c/ret@h", Err: errors.New(`invalid port ":s3c" after host`)},
		&url.Error{Op: "Post", URL: "https://s3cret.example", Err: &url.Error{Op: "parse", URL: "s3cret", Err: errors.New("s3cret")}},
	} {
		if o := (Response{Err: err}).Outcome(noon); strings.Contains(o.Excerpt, "s3c") || o.Excerpt == "" {
			t.Errorf("%v: %q", err, o.Excerpt)
		}
	}
}

// TestAnotherConnectionStartsAnew simulates net/http with a reused connection that
// turns out to be closed: it opens another one, having written nothing. That one is
// refused, so nothing was sent.
func TestAnotherConnectionStartsAnew(t *testing.T) {
	client := &http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(req.Context())
		trace.GetConn("provider.invalid:443")
		trace.WroteHeaders()
		trace.GetConn("provider.invalid:443")
		return nil, syscall.ECONNREFUSED
	})}
	e := Endpoint{Client: client}
	if o := e.Post(t.Context(), "https://provider.invalid", []byte("{}"), nil).Outcome(noon); o.Kind != messenger.Retry || o.Code != "connection_refused" {
		t.Errorf("%+v", o)
	}
}

func TestNewClientKeepsAPoolForOneProvider(t *testing.T) {
	client := newClient(t)
	transport, ok := client.Transport.(*http.Transport)
	if !ok || transport.MaxIdleConnsPerHost < 100 || client.Timeout <= 0 {
		t.Errorf("%+v", client)
	}
}

// TestURLsOwnPassword calls an operator's URL with userinfo.
func TestURLsOwnPassword(t *testing.T) {
	base := provider(t, func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "bongsu" || password != "gate" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	with := strings.Replace(base, "http://", "http://bongsu:gate@", 1)
	for _, c := range []struct {
		url    string
		header http.Header
		status int
	}{
		{with, nil, http.StatusOK},
		{with, http.Header{"Authorization": {"Bearer other"}}, http.StatusUnauthorized},
		{base, nil, http.StatusUnauthorized},
	} {
		e := Endpoint{Client: newClient(t), URL: c.url}
		if r := e.Post(t.Context(), "https://provider.invalid/api/", []byte("{}"), c.header); r.Status != c.status || r.Err != nil {
			t.Errorf("%s with %v: %d %v", c.url, c.header, r.Status, r.Err)
		}
	}
}

// TestClientsTime verifies that the timeout of the client ends calls without another
// deadline. Its clock is fake, so that the provider has the request before the timeout.
func TestClientsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t)
		client.Timeout = 10 * time.Millisecond
		read := make(chan error, 1)
		transport, ok := client.Transport.(*http.Transport)
		if !ok {
			t.Fatalf("transport is a %T", client.Transport)
		}
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			provider, conn := net.Pipe()
			go func() {
				_, err := http.ReadRequest(bufio.NewReader(provider))
				read <- err
				_, _ = io.Copy(io.Discard, provider) // until the client closes it
			}()
			return conn, nil
		}
		e := Endpoint{Client: client, Now: time.Now, URL: "http://provider.invalid"}
		begin := time.Now()
		o := e.Outcome(e.Post(t.Context(), "https://provider.invalid/api/", []byte("{}"), nil))
		if o.Kind != messenger.Unknown || o.Code != "timeout" || time.Since(begin) != client.Timeout {
			t.Errorf("%+v after %s", o, time.Since(begin))
		}
		if err := <-read; err != nil {
			t.Error(err)
		}
	})
}
