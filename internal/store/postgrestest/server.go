// Package postgrestest gives tests a PostgreSQL: the server that
// BONGSU_TEST_POSTGRES names, or one of its own from the binaries on the machine.
package postgrestest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names the environment variable that holds the URL of a server whose
// user may make databases.
const Variable = "BONGSU_TEST_POSTGRES"

// ErrNone says that there is no PostgreSQL to be had.
var ErrNone = errors.New("no PostgreSQL: set " + Variable + " to the postgres:// URL of a server where databases may be made, " +
	"or install one (Debian: apt-get install postgresql); its binaries are looked for in PATH and /usr/lib/postgresql")

// A Server is a PostgreSQL server.
type Server struct {
	url     string
	command *exec.Cmd // nil where the server is somebody else's
	folder  string

	postgres string   // the server's binary
	settings []string // of the server, such as fsync=on
}

// Start finds or starts a server, or answers with ErrNone. The server must be
// stopped. Settings such as fsync=on are for one that it starts; where they do not
// say otherwise, what that keeps need not outlast a crash of the machine.
func Start(ctx context.Context, settings ...string) (*Server, error) {
	if url := os.Getenv(Variable); url != "" {
		return &Server{url: url}, nil
	}
	initdb, postgres := find("initdb"), find("postgres")
	if initdb == "" || postgres == "" {
		return nil, ErrNone
	}
	folder, err := os.MkdirTemp("", "bongsu-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, settings: settings}
	if err := s.start(ctx, initdb, postgres); err != nil {
		return nil, errors.Join(fmt.Errorf("start a PostgreSQL: %w", err), s.Stop())
	}
	return s, nil
}

// find answers with the path of a binary, or nothing.
func find(name string) string {
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err == nil && len(installed) > 0 {
		return installed[len(installed)-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

// start makes a cluster in the folder and starts a server that can be reached by
// a socket there, and nowhere else.
func (s *Server) start(ctx context.Context, initdb, postgres string) error {
	data := filepath.Join(s.folder, "data")
	prepare := exec.CommandContext(ctx, initdb, "-D", data, "-U", "bongsu", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	prepare.Dir = s.folder
	if err := unprivileged(prepare, s.folder); err != nil {
		return err
	}
	if out, err := prepare.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	s.postgres = postgres
	return s.launch(ctx)
}

// launch starts the server of the cluster in the folder.
func (s *Server) launch(ctx context.Context) error {
	var said bytes.Buffer
	s.command = exec.Command(s.postgres, "-D", filepath.Join(s.folder, "data"), "-k", s.folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300")
	for _, setting := range s.settings { // of one that is set twice, the last holds
		s.command.Args = append(s.command.Args, "-c", setting)
	}
	s.command.Dir, s.command.Stdout, s.command.Stderr = s.folder, &said, &said
	if err := unprivileged(s.command, s.folder); err != nil {
		return err
	}
	if err := s.command.Start(); err != nil {
		s.command = nil
		return err
	}
	s.url = "postgres://bongsu@/postgres?host=" + neturl.QueryEscape(s.folder)
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := s.exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(err, s.Stop(), errors.New(said.String()))
		}
		time.Sleep(20 * time.Millisecond) // a foreign process can only be asked again
	}
}

// Make makes an empty database and answers with its URL.
func (s *Server) Make(ctx context.Context) (string, error) { return s.make(ctx, "") }

// make makes a database, empty or a copy of the one at a URL, and returns its URL.
func (s *Server) make(ctx context.Context, template string) (string, error) {
	name := "bongsu_test_" + strings.ToLower(rand.Text())
	statement := "CREATE DATABASE " + name
	if template != "" {
		u, err := neturl.Parse(template)
		if err != nil {
			return "", err
		}
		statement += " TEMPLATE " + strings.TrimPrefix(u.Path, "/")
	}
	if err := s.exec(ctx, statement); err != nil {
		return "", fmt.Errorf("make a database: %w", err)
	}
	url, err := neturl.Parse(s.url)
	if err != nil {
		return "", errors.New(Variable + " is not a postgres:// URL")
	}
	url.Path = "/" + name
	return url.String(), nil
}

// Drop drops a database that Make made.
func (s *Server) Drop(ctx context.Context, url string) error {
	u, err := neturl.Parse(url)
	if err != nil {
		return err
	}
	return s.exec(ctx, "DROP DATABASE "+strings.TrimPrefix(u.Path, "/")+" WITH (FORCE)")
}

// Stop ends the server where Start started it, and removes what it kept.
func (s *Server) Stop() error {
	var ended error
	if s.command != nil {
		ended = errors.Join(s.command.Process.Signal(os.Interrupt), s.command.Wait())
		s.command = nil
	}
	if s.folder == "" {
		return ended
	}
	return errors.Join(ended, os.RemoveAll(s.folder))
}

// Crash ends the server as a crash does, calls away, and starts it again. It
// answers with ErrNone where the server is somebody else's.
func (s *Server) Crash(ctx context.Context, away func()) error {
	if s.command == nil {
		return ErrNone
	}
	if err := s.command.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	_ = s.command.Wait() // it says that it was ended at once
	s.command = nil
	away()
	return s.launch(ctx)
}

// exec runs a statement in the server's first database.
func (s *Server) exec(ctx context.Context, text string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, text)
	return errors.Join(err, conn.Close(ctx))
}
