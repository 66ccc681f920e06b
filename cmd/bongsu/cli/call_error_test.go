package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

// TestServerErrors checks the text and the advice for each code that a server
// returns.
func TestServerErrors(t *testing.T) {
	for _, test := range []struct {
		code connect.Code
		text string
		want string
	}{
		{connect.CodeNotFound, "group 7 not found", "group 7 not found; use the list commands to see what exists"},
		{connect.CodeAlreadyExists, `group "x" already exists`, `group "x" already exists; choose another name, or change the existing one`},
		{
			connect.CodeInvalidArgument, "validation errors:\n - message: must be at least 1 character\n - severity: too long",
			"validation errors: message: must be at least 1 character; severity: too long; correct the request and retry; see --help",
		},
		{connect.CodeUnavailable, "ledger unavailable; try again", "ledger unavailable; try again; retry later; see the server's log for the cause"},
		{connect.CodeInternal, "internal error", "internal error; see the server's log for the cause"},
		{
			connect.CodeDeadlineExceeded, "context deadline exceeded",
			"timeout: http://example.org exceeded the deadline (context deadline exceeded); the call may have been executed: " +
				"check before you retry; set a longer one by --timeout or BONGSU_TIMEOUT",
		},
		{connect.CodeAborted, "busy", "busy (aborted)"},
	} {
		t.Run(test.code.String(), func(t *testing.T) {
			err := &callError{err: connect.NewWireError(test.code, errors.New(test.text)), server: "http://example.org"}
			if got := err.Error(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestErrorDetails checks that fields that the text does not name, and the time to wait, are in
// the text of the error.
func TestErrorDetails(t *testing.T) {
	fields := func(names ...string) proto.Message {
		bad := &errdetails.BadRequest{}
		for _, name := range names {
			bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: name})
		}
		return bad
	}
	for _, test := range []struct {
		name   string
		code   connect.Code
		text   string
		detail proto.Message
		want   string
	}{
		{"a field", connect.CodeInvalidArgument, "unknown target @nope (strict)", fields("targets[0]"), "unknown target @nope (strict) (targets[0]); correct the request and retry; see --help"},
		{"a named field", connect.CodeInvalidArgument, "rank: too large", fields("rank"), "rank: too large; correct the request and retry; see --help"},
		{"two fields", connect.CodeInvalidArgument, "no", fields("a", "b", "a", ""), "no (a, b); correct the request and retry; see --help"},
		{"a delay", connect.CodeUnavailable, "away", &errdetails.RetryInfo{RetryDelay: durationpb.New(90 * time.Second)}, "away; retry in 1m30s; see the server's log for the cause"},
		{"a limit", connect.CodeResourceExhausted, "too many", &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)}, "too many; send a smaller request, or retry in 1s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wire := connect.NewWireError(test.code, errors.New(test.text))
			detail, err := connect.NewErrorDetail(test.detail)
			if err != nil {
				t.Fatal(err)
			}
			wire.AddDetail(detail)
			if got := (&callError{err: wire, server: "http://example.org"}).Error(); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// TestConnectionRefused checks the error for a refused connection: it names the server and
// the flag.
func TestConnectionRefused(t *testing.T) {
	listener := listen(t)
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BONGSU_SERVER", addr)
	code, stdout, stderr := bongsu(t, "", "group", "list")
	want := "bongsu: cannot reach http://" + addr + " (connect: connection refused): " +
		"is bongsu serve running? set another server by --server or BONGSU_SERVER\n"
	if code != exitFailed || stdout != "" || stderr != want {
		t.Errorf("exit %d, stdout %q, stderr %q; want %q", code, stdout, stderr, want)
	}
}

// TestBrokenOff checks the error for a connection that closes without a response: it
// warns of a possible execution, except for calls without side effects.
func TestBrokenOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer server.Close()
	for line, unknown := range map[string]bool{"alert send @user1 down": true, "alert list": false} {
		code, _, stderr := bongsu(t, "", append(strings.Fields(line), "--server="+server.URL)...)
		if code != exitFailed || !strings.Contains(stderr, "closed without a response") ||
			strings.Contains(stderr, "check before you retry") != unknown {
			t.Errorf("%s: exit %d, stderr %q", line, code, stderr)
		}
	}
}

// TestNoResponse checks that --timeout bounds the wait for a response.
func TestNoResponse(t *testing.T) {
	server := "http://" + listen(t).Addr().String()
	code, _, stderr := bongsu(t, "", "alert", "send", "@user1", "down", "--timeout=50ms", "--server="+server)
	want := "bongsu: timeout: no response from " + server + " within 50ms; the call may have been executed: " +
		"check before you retry; set a longer one by --timeout or BONGSU_TIMEOUT\n"
	if code != exitFailed || stderr != want {
		t.Errorf("exit %d, stderr %q; want %q", code, stderr, want)
	}
}

// TestInterrupted checks that a canceled context ends the call.
func TestInterrupted(t *testing.T) {
	listener := listen(t)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		defer interrupt()
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1)) // the request has arrived
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	var stderr bytes.Buffer
	code := run(ctx, []string{"alert", "list", "--timeout=0", "--server", listener.Addr().String()}, testConsole("", io.Discard, &stderr))
	if code != exitFailed || stderr.String() != "bongsu: interrupted\n" {
		t.Errorf("exit %d, stderr %q", code, &stderr)
	}
}

// TestAnotherServer checks the error for a server that is not bongsu; its response must
// not reach the terminal unescaped.
func TestAnotherServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "\x1b[2Jhello")
	}))
	defer server.Close()
	code, _, stderr := bongsu(t, "", "group", "list", "--server", server.URL)
	if code != exitFailed || !strings.Contains(stderr, "does not respond as a bongsu server") || strings.Contains(stderr, "\x1b") {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
}

// TestPasswordInServer checks that the password of a URL is never printed.
func TestPasswordInServer(t *testing.T) {
	const password = "s3cret"
	for _, server := range []string{"http://me:" + password + "@127.0.0.1:1", "ftp://me:" + password + "@example.org", "http://me:" + password + "@%"} {
		code, stdout, stderr := bongsu(t, "", "group", "list", "--server", server)
		if code == exitOK || stderr == "" || strings.Contains(stdout+stderr, password) {
			t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
		}
	}
	c := client{Server: "http://me:" + password + "@example.org"}
	if next := c.next("bongsu group list"); strings.Contains(next, password) || !strings.Contains(next, "example.org") {
		t.Errorf("next is %q", next)
	}
}

// listen returns a listener that accepts connections and never responds.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}
