package email

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// The actions of a script other than replies.
const (
	hangUp  = "hang up"
	hang    = "hang" // until the client disconnects
	endless = "endless"
)

// A script maps commands to replies; "" is the greeting, and "." the end of a mail.
// Other commands succeed.
type script map[string]string

// A scripted is a relay that follows a script, for any number of connections.
type scripted struct {
	script   script
	tls      *tls.Config // for STARTTLS
	implicit bool        // implicit TLS

	mu    sync.Mutex
	lines []string // all commands
	mails []string
	hung  chan struct{} // receives when a client meets hang
}

// relayOf starts a relay, and returns its address.
func relayOf(t *testing.T, s *scripted) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.hung = make(chan struct{}, 1)
	var g sync.WaitGroup
	g.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			g.Go(func() {
				defer conn.Close()
				if s.implicit {
					conn = tls.Server(conn, s.tls)
				}
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		g.Wait()
	})
	return listener.Addr().String()
}

// serve follows the script on one connection.
func (s *scripted) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	command := ""
	for s.reply(conn, command) {
		if command == "STARTTLS" {
			conn = tls.Server(conn, s.tls)
			r = bufio.NewReader(conn)
		}
		if command == "DATA" {
			command = s.read(r)
			continue
		}
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		s.mu.Lock()
		s.lines = append(s.lines, strings.TrimRight(line, "\r\n"))
		s.mu.Unlock()
		command, _, _ = strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	}
}

// read reads a mail to its final dot.
func (s *scripted) read(r *bufio.Reader) (command string) {
	var mail strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "QUIT"
		}
		if line == ".\r\n" {
			s.mu.Lock()
			s.mails = append(s.mails, mail.String())
			s.mu.Unlock()
			return "."
		}
		mail.WriteString(line)
	}
}

// reply performs the script's action for a command, and reports whether the session
// continues.
func (s *scripted) reply(conn net.Conn, command string) bool {
	reply, ok := s.script[command]
	if !ok {
		reply = map[string]string{"": "220 relay", "EHLO": "250-relay\r\n250 AUTH PLAIN", "AUTH": "235 in", "DATA": "354 go on", "STARTTLS": "220 go on", ".": "250 2.0.0 Ok: queued as 4F2C1", "QUIT": hangUp}[command]
		if reply == "" {
			reply = "250 ok"
		}
	}
	switch reply {
	case hangUp:
		return false
	case hang:
		s.hung <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
		return false
	case endless:
		for err := error(nil); err == nil; {
			_, err = io.WriteString(conn, "250-"+strings.Repeat("x", 1000)+"\r\n")
		}
		return false
	}
	_, err := fmt.Fprintf(conn, "%s\r\n", reply)
	return err == nil
}

// commands returns the commands so far.
func (s *scripted) commands() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// certified returns the TLS configuration of a server at 127.0.0.1, and its CA.
func certified(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}, roots
}

// at returns the messenger with one relay in place of all others.
func at(addr string) Messenger {
	e := messengertest.Endpoint("smtp://"+addr, nil)
	e.Dial = call.NewDialer(call.ClientConfig{AllowAll: true})
	return New(e)
}

const testCredential = "smtp://bongsu:SECRET%2F%2B%25word@relay.example:587?from=bongsu@example.com"

var testMessage = messenger.Message{DeliveryID: 7, Credential: testCredential, Destination: "ops@example.com", Text: "[normal] node1 down", Severity: "normal", Time: messengertest.Noon}

// TestShortPasswordOfARelay verifies that a password of one letter redacts no ordinary
// word of a response, and is redacted where it is quoted.
func TestShortPasswordOfARelay(t *testing.T) {
	const credential = "smtp://kim:a@relay.example.com:587?from=bongsu@example.com"
	r, err := parseRelay(credential)
	if err != nil {
		t.Fatal(err)
	}
	for response, want := range map[string]string{
		"550 a bad address: kim is not a user": "550 a bad address: kim is not a user",
		`535 kim:a and "a" are bad, YQ== too`:  `535 [redacted] and "[redacted]" are bad, [redacted] too`,
		"535 smtp://KIM:A@relay.example.com":   "535 smtp://[redacted]@relay.example.com",
	} {
		if got := call.Redact((messenger.Outcome{Kind: messenger.Failed, Excerpt: response}), r.secrets(credential)...).Excerpt; got != want {
			t.Errorf("%q makes %q, want %q", response, got, want)
		}
	}
}
