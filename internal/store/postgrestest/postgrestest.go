package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// A lazy is the server of a test binary: started by the first test that asks,
// stopped by Main.
type lazy struct {
	sync.Mutex
	owned  bool // Main runs, and will stop it
	server *Server
	err    error
}

var shared lazy

// Main runs the tests of a package that calls URL, and ends what they started:
//
//	func TestMain(m *testing.M) { postgrestest.Main(m) }
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main for a TestMain that has more to do: it answers with the exit code.
func Run(m *testing.M) int {
	shared.owned = true
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop the PostgreSQL of the tests:", err)
			code = max(code, 1)
		}
	}
	return code
}

// get starts the server where it is not started.
func (l *lazy) get() (*Server, error) {
	l.Lock()
	defer l.Unlock()
	if l.server == nil && l.err == nil {
		l.server, l.err = Start(context.Background())
	}
	return l.server, l.err
}

// Need skips a test where there is no PostgreSQL, and says how to have one.
func Need(t testing.TB) { need(t) }

func need(t testing.TB) *Server {
	t.Helper()
	if !shared.owned {
		t.Fatal("a test that needs PostgreSQL must be in a package whose TestMain calls postgrestest.Main")
	}
	s, err := shared.get()
	if errors.Is(err, ErrNone) {
		t.Skip("PostgreSQL is skipped: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// URL answers with the URL of a fresh database, dropped when the test ends. A
// test is skipped where there is no PostgreSQL.
func URL(t testing.TB) string {
	t.Helper()
	s := need(t)
	url, err := s.Make(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Drop(context.Background(), url); err != nil {
			t.Error(err)
		}
	})
	return url
}
