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

	templates []string // URLs of databases that end with the tests
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
		for _, url := range shared.templates {
			if err := shared.server.Drop(context.Background(), url); err != nil {
				fmt.Fprintln(os.Stderr, "drop a database of the tests:", err)
				code = max(code, 1)
			}
		}
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

// keep has Run drop a database.
func (l *lazy) keep(url string) {
	l.Lock()
	defer l.Unlock()
	l.templates = append(l.templates, url)
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
	return fresh(t, need(t), "")
}

// fresh makes a database, empty or a copy of a template, that ends with the test.
func fresh(t testing.TB, s *Server, template string) string {
	t.Helper()
	url, err := s.make(context.Background(), template)
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
