package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bongsu-project/bongsu/internal/netguard"
)

// private returns a prober that permits loopback addresses.
func private() *Prober { return New(Env{Private: true}) }

// run runs a check with a timeout of 10 s.
func run(t *testing.T, p *Prober, c Check) Finding {
	t.Helper()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return p.Run(ctx, c)
}

// want verifies an outcome, and that the message contains a text.
func want(t *testing.T, f Finding, outcome Outcome, message string) {
	t.Helper()
	if f.Outcome != outcome || !strings.Contains(f.Message, message) {
		t.Errorf("%+v, want outcome %d and %q", f, outcome, message)
	}
}

// listen returns the address of a TCP server that serves each connection by serve.
func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// closedPort returns an address on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// silent returns the address of a server that accepts connections and sends nothing.
func silent(t *testing.T) string {
	return listen(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1<<20)); <-t.Context().Done() })
}

// dialling returns a check of each kind that connects to a user-given host and port.
func dialling(host, port string) map[string]Check {
	at := net.JoinHostPort(host, port)
	return map[string]Check{
		"grpc":              &GRPC{Address: at},
		"grpc with tls":     &GRPC{Address: at, TLS: true, SkipVerify: true},
		"nats":              &NATS{URL: "nats://" + at},
		"nats with tls":     &NATS{URL: "tls://" + at},
		"nats by http":      &NATS{URL: "http://" + at},
		"postgres":          &Postgres{URL: "postgres://me@" + at + "/a?sslmode=disable"},
		"postgres with tls": &Postgres{URL: "postgres://me@" + at + "/a?sslmode=require"},
		"http":              &HTTP{URL: "http://" + at + "/"},
		"https":             &HTTP{URL: "https://" + at + "/", SkipVerify: true},
		"tcp":               &TCP{Address: at},
		"tcp with tls":      &TCP{Address: at, TLS: true},
		"dns":               &DNS{Server: at, Name: "example.com"},
		"tls":               &TLS{Address: at},
	}
}

// TestGuard verifies that no check connects to an address that is not public.
func TestGuard(t *testing.T) {
	at := listen(t, func(conn net.Conn) { t.Error("connected to", conn.LocalAddr()) })
	_, port, err := net.SplitHostPort(at)
	if err != nil {
		t.Fatal(err)
	}
	p := New(Env{})
	for _, host := range []string{"127.0.0.1", "localhost", "::ffff:127.0.0.1", "169.254.169.254", "10.0.0.1"} {
		for name, c := range dialling(host, port) {
			t.Run(name+" "+host, func(t *testing.T) {
				want(t, run(t, p, c), Failed, "refused: the address")
			})
		}
	}
}

// TestMetadata verifies that addresses with credentials of cloud providers stay blocked where private addresses
// are permitted.
func TestMetadata(t *testing.T) {
	p := private()
	for _, host := range []string{"169.254.169.254", "fd00:ec2::254", "100.100.100.200", "fe80::1"} {
		for name, c := range dialling(host, "80") {
			t.Run(name+" "+host, func(t *testing.T) {
				want(t, run(t, p, c), Failed, "refused: the address")
			})
		}
	}
}

// TestPrivateNetworks verifies which addresses are permitted with and without Private.
func TestPrivateNetworks(t *testing.T) {
	for addr, permitted := range map[string][2]bool{
		"1.1.1.1": {true, true}, "127.0.0.1": {false, true}, "::1": {false, true}, "10.1.2.3": {false, true}, "172.31.0.1": {false, true},
		"192.168.0.1": {false, true}, "fd00::1": {false, true}, "::ffff:10.0.0.1": {false, true}, "0.0.0.0": {false, false},
		"169.254.169.254": {false, false}, "224.0.0.1": {false, false}, "255.255.255.255": {false, false}, "fd00:ec2::254": {false, false},
	} {
		for i, p := range []*Prober{New(Env{}), private()} {
			if err := p.guard.Check(t.Context(), netip.AddrPortFrom(netip.MustParseAddr(addr), 80)); (err == nil) != permitted[i] {
				t.Errorf("%s with private %v: %v", addr, i == 1, err)
			}
		}
	}
}

// TestTimeout verifies that each check that gets no response ends with its timeout, and names it.
func TestTimeout(t *testing.T) {
	host, port, err := net.SplitHostPort(silent(t))
	if err != nil {
		t.Fatal(err)
	}
	checks := dialling(host, port)
	checks["tcp"] = &TCP{Address: net.JoinHostPort(host, port), Expect: "hello"}
	sink, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sink.Close() }) // after the parallel tests
	checks["dns"] = &DNS{Server: sink.LocalAddr().String(), Name: "example.com"}
	for name, c := range checks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			f := private().Run(ctx, c)
			want(t, f, Failed, "timeout after ")
		})
	}
}

// TestCanceled verifies that a check that is canceled, as by a shutdown, is not a failure.
func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	want(t, private().Run(ctx, &TCP{Address: closedPort(t)}), Unknown, "canceled")
}

// A stuck check ignores its context until it is released.
type stuck struct {
	TCP

	release chan struct{}
}

func (c *stuck) run(context.Context, *Prober) Finding { <-c.release; return passed("") }

// A panicking check panics.
type panicking struct{ TCP }

func (*panicking) run(context.Context, *Prober) Finding { panic("secret") }

// TestRunEnds verifies that Run returns within a second after its context has ended.
func TestRunEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		want(t, private().Run(ctx, &stuck{release: release}), Failed, "timeout after 10s")
		if took := time.Since(start); took > 11*time.Second {
			t.Errorf("returned after %s", took)
		}
	})
}

// TestRunPanics verifies that Run does not panic.
func TestRunPanics(t *testing.T) {
	f := private().Run(t.Context(), &panicking{})
	want(t, f, Unknown, "internal error")
	if strings.Contains(f.Message, "secret") {
		t.Error(f.Message)
	}
}

func TestHeartbeatIsNotRun(t *testing.T) {
	want(t, private().Run(t.Context(), &Heartbeat{Period: time.Hour}), Unknown, "not run")
}

// TestUnresolvable verifies the messages about names that do not exist.
func TestUnresolvable(t *testing.T) {
	for name, c := range dialling("host.invalid", "80") {
		t.Run(name, func(t *testing.T) {
			want(t, run(t, private(), c), Failed, "lookup host.invalid")
		})
	}
}

// TestRefusedConnection verifies the messages about ports that are closed.
func TestRefusedConnection(t *testing.T) {
	host, port, err := net.SplitHostPort(closedPort(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range dialling(host, port) {
		t.Run(name, func(t *testing.T) {
			want(t, run(t, private(), c), Failed, "connection refused")
		})
	}
}

// TestReason verifies that no reason has a URL.
func TestReason(t *testing.T) {
	inner := &url.Error{Op: "Get", URL: "https://a?b=secret", Err: errors.New("broken")}
	if got := reason(&url.Error{Op: "Get", URL: "https://example.com/?token=secret", Err: inner}); got != "broken" {
		t.Error(got)
	}
	forbidden := &url.Error{Op: "Get", URL: "https://a?b=secret", Err: fmt.Errorf("%w: 10.0.0.1", netguard.ErrForbidden)}
	if got := reason(forbidden); !strings.HasPrefix(got, "refused: ") || strings.Contains(got, "secret") {
		t.Error(got)
	}
}

// A leaking check has its secrets in its message.
type leaking struct{ HTTP }

func (c *leaking) run(context.Context, *Prober) Finding {
	return failed("%s of %s with a\x1b[2Jcontrol", c.Headers[0].Value, c.URL)
}

// TestMessageIsRedacted verifies that a message has no secret, whatever a library has put into it.
func TestMessageIsRedacted(t *testing.T) {
	c := &leaking{HTTP{URL: "https://example.com/?key=query-value", Headers: []Header{{"X-Key", "header-value"}}}}
	f := private().Run(t.Context(), c)
	want(t, f, Failed, "[redacted] of https://example.com/?[redacted] with a [2Jcontrol")
}

// FuzzClean verifies the bounds of messages.
func FuzzClean(f *testing.F) {
	f.Add("a\x00b\x1b[2J\u202e")
	f.Add(strings.Repeat("가", 200))
	f.Fuzz(func(t *testing.T, text string) {
		got := clean(text)
		if len(got) > MaxMessage || strings.ContainsAny(got, "\x00\x1b\n\u202e") || strconv.Quote(got) == "" {
			t.Errorf("%q", got)
		}
	})
}
