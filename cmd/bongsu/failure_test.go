package main

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

	"connectrpc.com/connect"
)

// TestAnsweredFailures: each code a server answers becomes a sentence that says
// what to do.
func TestAnsweredFailures(t *testing.T) {
	for _, test := range []struct {
		code connect.Code
		text string
		want string
	}{
		{connect.CodeNotFound, "group 7: not found", "group 7: not found; the list commands show what there is"},
		{connect.CodeAlreadyExists, `group "x": already exists`, `group "x": already exists; choose another, or change what is there`},
		{
			connect.CodeInvalidArgument, "validation errors:\n - message: must be at least 1 character\n - severity: too long",
			"validation errors: message: must be at least 1 character; severity: too long; put that right and try again; --help says how",
		},
		{connect.CodeUnavailable, "ledger: unavailable, try again", "ledger: unavailable, try again; it may pass; the server's log says why"},
		{connect.CodeInternal, "internal error", "internal error; the server's log says why"},
		{
			connect.CodeDeadlineExceeded, "context deadline exceeded",
			"http://example.org ran out of time (context deadline exceeded); it may have been done all the same: " +
				"look before you try again; --timeout or BONGSU_TIMEOUT waits longer",
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

// TestNobodyListens: a server that is not there is named, with what to do.
func TestNobodyListens(t *testing.T) {
	listener := listen(t)
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BONGSU_SERVER", addr)
	code, stdout, stderr := bongsu(t, "", "group", "list")
	want := "bongsu: cannot reach http://" + addr + " (connect: connection refused): " +
		"is bongsu serve running? --server or BONGSU_SERVER names another\n"
	if code != exitFailed || stdout != "" || stderr != want {
		t.Errorf("exit %d, stdout %q, stderr %q; want %q", code, stdout, stderr, want)
	}
}

// TestBrokenOff: where a server may have done what it did not answer, a person is
// told to look first; where nothing can have been done, they are not troubled.
func TestBrokenOff(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer server.Close()
	for line, doubt := range map[string]bool{"alert send @user1 down": true, "alert list": false} {
		code, _, stderr := bongsu(t, "", append(strings.Fields(line), "--server="+server.URL)...)
		if code != exitFailed || !strings.Contains(stderr, "broke off without an answer") ||
			strings.Contains(stderr, "look before you try again") != doubt {
			t.Errorf("%s: exit %d, stderr %q", line, code, stderr)
		}
	}
}

// TestNoAnswer: a server that says nothing is waited for no longer than asked.
func TestNoAnswer(t *testing.T) {
	server := "http://" + listen(t).Addr().String()
	code, _, stderr := bongsu(t, "", "alert", "send", "@user1", "down", "--timeout=50ms", "--server="+server)
	want := "bongsu: no answer from " + server + " within 50ms; it may have been done all the same: " +
		"look before you try again; --timeout or BONGSU_TIMEOUT waits longer\n"
	if code != exitFailed || stderr != want {
		t.Errorf("exit %d, stderr %q; want %q", code, stderr, want)
	}
}

// TestInterrupted: a signal ends the wait.
func TestInterrupted(t *testing.T) {
	listener := listen(t)
	ctx, interrupt := context.WithCancel(t.Context())
	go func() {
		defer interrupt()
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Read(make([]byte, 1)) // the request has come
			t.Cleanup(func() { _ = conn.Close() })
		}
	}()
	var stderr bytes.Buffer
	code := run(ctx, []string{"alert", "list", "--timeout=0", "--server", listener.Addr().String()}, nil, io.Discard, &stderr)
	if code != exitFailed || stderr.String() != "bongsu: interrupted\n" {
		t.Errorf("exit %d, stderr %q", code, &stderr)
	}
}

// TestAnotherServer: what answers but is no bongsu is said to be none, and what
// it says does not reach the terminal raw.
func TestAnotherServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "\x1b[2Jhello")
	}))
	defer server.Close()
	code, _, stderr := bongsu(t, "", "group", "list", "--server", server.URL)
	if code != exitFailed || !strings.Contains(stderr, "does not answer as bongsu does") || strings.Contains(stderr, "\x1b") {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
}

// TestPasswordInServer: a URL may hold a password, which nothing prints.
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

// listen opens a port that accepts and says nothing.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}
