package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// A sharedServer is the server of a test binary. The first test that needs it starts it, and Main stops
// it.
type sharedServer struct {
	sync.Mutex
	variable string // as Main has it
	owned    bool   // Main runs, and stops the server
	server   *Server
	err      error

	templates []string // URLs of databases that Run drops
}

var testServer sharedServer

// Main runs the tests of a package that calls URL, and stops the server that they started:
//
//	func TestMain(m *testing.M) { postgrestest.Main(m, "LIBRARY_TEST_POSTGRES") }
//
// variable is that of Start.
func Main(m *testing.M, variable string) { os.Exit(Run(m, variable)) }

// Run is Main for a TestMain with other work: it returns the exit code.
func Run(m *testing.M, variable string) int {
	testServer.owned, testServer.variable = true, variable
	code := m.Run()
	if testServer.server != nil {
		for _, url := range testServer.templates {
			if err := testServer.server.DropDatabase(context.Background(), url); err != nil {
				fmt.Fprintln(os.Stderr, "drop test database:", err)
				code = max(code, 1)
			}
		}
		if err := testServer.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop test PostgreSQL:", err)
			code = max(code, 1)
		}
	}
	return code
}

// get returns the server, and starts it at the first call.
func (s *sharedServer) get() (*Server, error) {
	s.Lock()
	defer s.Unlock()
	if s.server == nil && s.err == nil {
		s.server, s.err = Start(context.Background(), s.variable)
	}
	return s.server, s.err
}

// dropLater registers a database for Run to drop.
func (s *sharedServer) dropLater(url string) {
	s.Lock()
	defer s.Unlock()
	s.templates = append(s.templates, url)
}

// Require skips a test without PostgreSQL; the message explains how to install it.
func Require(t testing.TB) { requireServer(t) }

func requireServer(t testing.TB) *Server {
	t.Helper()
	if !testServer.owned {
		t.Fatal("a test that needs PostgreSQL must be in a package whose TestMain calls postgrestest.Main")
	}
	s, err := testServer.get()
	if errors.Is(err, ErrNone) {
		t.Skip("skipped without PostgreSQL: " + err.Error())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// URL returns the URL of a new database, which is dropped when the test ends. The test is
// skipped without PostgreSQL.
func URL(t testing.TB) string {
	t.Helper()
	return newDatabase(t, requireServer(t), "")
}

// newDatabase creates a database, empty or a copy of a template, and drops it when the test ends.
func newDatabase(t testing.TB, s *Server, template string) string {
	t.Helper()
	url, err := s.createDatabase(context.Background(), template)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.DropDatabase(context.Background(), url); err != nil {
			t.Error(err)
		}
	})
	return url
}
