package messenger

import (
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
	"time"
)

func TestRetryAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"":                               0,
		"0":                              0,
		"1":                              time.Second,
		" 30 ":                           30 * time.Second,
		"3600":                           time.Hour,
		"86400":                          24 * time.Hour,
		"1.5":                            1500 * time.Millisecond,
		"0.0001":                         time.Millisecond, // rounded up
		"0.3":                            300 * time.Millisecond,
		".5":                             500 * time.Millisecond,
		"-1":                             0,
		"1e3":                            0,
		"0x10":                           0,
		"1_000":                          0,
		"inf":                            0,
		"NaN":                            0,
		".":                              0,
		"1.2.3":                          0,
		"soon":                           0,
		"99999999999":                    maxRetryAfter,
		strings.Repeat("9", 400):         maxRetryAfter,
		"Sun, 01 Mar 2026 12:00:10 GMT":  10 * time.Second,
		"Sun, 01 Mar 2026 13:00:00 GMT":  time.Hour,
		"Sunday, 01-Mar-26 12:00:10 GMT": 10 * time.Second,
		"Sun Mar  1 12:00:10 2026":       10 * time.Second,
		"Sun, 01 Mar 2026 11:59:59 GMT":  0,
		"Fri, 01 Mar 2999 12:00:00 GMT":  maxRetryAfter,
	} {
		if got := retryAfter(value, noon); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
	if got := retryAfter("Sun, 01 Mar 2026 12:00:10 GMT", noon.Add(time.Nanosecond)); got != 10*time.Second {
		t.Errorf("a date: %v, want whole milliseconds, rounded up", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "1", "1.5", "-1", "99999999999999999999", "Sun, 01 Mar 2026 12:00:10 GMT", "1e9", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := retryAfter(value, noon)
		if got < 0 || got > maxRetryAfter || got%time.Millisecond != 0 {
			t.Errorf("%q: %v", value, got)
		}
		var seconds int32
		if _, err := fmt.Sscanf(value, "%d", &seconds); err == nil && fmt.Sprint(seconds) == value && seconds >= 0 {
			if want := min(time.Duration(seconds)*time.Second, maxRetryAfter); got != want {
				t.Errorf("%q: %v, want %v", value, got, want)
			}
		}
	})
}

func TestCodesOfWhatBroke(t *testing.T) {
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
		for begun, want := range map[bool]Outcome{false: {Kind: Retry, Code: c.unsent}, true: {Kind: Unknown, Code: c.lost}} {
			o := response{requestWritten: begun, err: c.err}.outcome(noon)
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
		if o := (response{err: err}).outcome(noon); strings.Contains(o.Excerpt, "s3c") || o.Excerpt == "" {
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
	if o := e.post(t.Context(), "https://provider.invalid", []byte("{}"), nil).outcome(noon); o.Kind != Retry || o.Code != "connection_refused" {
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
		if r := e.post(t.Context(), slackAPI, []byte("{}"), c.header); r.status != c.status || r.err != nil {
			t.Errorf("%s with %v: %d %v", c.url, c.header, r.status, r.err)
		}
	}
}

// TestClientsTime verifies that the timeout of the client ends calls without another
// deadline.
func TestClientsTime(t *testing.T) {
	base := provider(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	client := newClient(t)
	client.Timeout = 10 * time.Millisecond
	e := Endpoint{Client: client, Now: time.Now, URL: base}
	if o := e.outcome(e.post(t.Context(), slackAPI, []byte("{}"), nil)); o.Kind != Unknown || o.Code != "timeout" {
		t.Errorf("%+v", o)
	}
}
