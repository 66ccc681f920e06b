// Package postgrestest provides a PostgreSQL server for tests: the one that an environment
// variable names, or a new one from the installed binaries.
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

// ErrNone is returned when no PostgreSQL is available. Its text in errors begins with what a
// user can do about it.
var ErrNone = errors.New("no PostgreSQL: install one (Debian: apt-get install postgresql); binaries are searched in PATH and /usr/lib/postgresql")

// A Server is a PostgreSQL server.
type Server struct {
	url     string
	command *exec.Cmd // nil for a server that Start did not start
	folder  string

	postgres string   // the server's binary
	settings []string // server settings, such as fsync=on
}

// Start finds or starts a server, or returns ErrNone. The environment variable with the name
// variable may hold the URL of a server whose user may create databases; otherwise Start starts
// one from installed binaries. The server must be stopped. Settings such as fsync=on apply to a started server only; without them, its data need not survive a crash
// of the machine.
func Start(ctx context.Context, variable string, settings ...string) (*Server, error) {
	if url := os.Getenv(variable); url != "" {
		return &Server{url: url}, nil
	}
	initdb, postgres := find("initdb"), find("postgres")
	if initdb == "" || postgres == "" {
		return nil, fmt.Errorf("%w, or set %s to the postgres:// URL of a server where databases may be created", ErrNone, variable)
	}
	folder, err := os.MkdirTemp("", "postgrestest-")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, settings: settings}
	if err := s.start(ctx, initdb, postgres); err != nil {
		return nil, errors.Join(fmt.Errorf("start PostgreSQL: %w", err), s.Stop())
	}
	return s, nil
}

// find returns the path of a binary, or an empty text.
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

// start creates a database cluster in the folder and starts a server that listens on a socket
// there only.
func (s *Server) start(ctx context.Context, initdb, postgres string) error {
	data := filepath.Join(s.folder, "data")
	prepare := exec.CommandContext(ctx, initdb, "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
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

// launch starts the server of the database cluster in the folder.
func (s *Server) launch(ctx context.Context) error {
	var output bytes.Buffer
	s.command = exec.Command(s.postgres, "-D", filepath.Join(s.folder, "data"), "-k", s.folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300")
	for _, setting := range s.settings { // the last value of a setting applies
		s.command.Args = append(s.command.Args, "-c", setting)
	}
	s.command.Dir, s.command.Stdout, s.command.Stderr = s.folder, &output, &output
	if err := unprivileged(s.command, s.folder); err != nil {
		return err
	}
	if err := s.command.Start(); err != nil {
		s.command = nil
		return err
	}
	s.url = "postgres://test@/postgres?host=" + neturl.QueryEscape(s.folder)
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := s.exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return errors.Join(err, s.Stop(), errors.New(output.String()))
		}
		time.Sleep(20 * time.Millisecond) // an external process can only be polled
	}
}

// CreateDatabase creates an empty database and returns its URL.
func (s *Server) CreateDatabase(ctx context.Context) (string, error) {
	return s.createDatabase(ctx, "")
}

// createDatabase creates a database, empty or a copy of the one at a URL, and returns its URL.
func (s *Server) createDatabase(ctx context.Context, template string) (string, error) {
	name := "test_" + strings.ToLower(rand.Text())
	statement := "CREATE DATABASE " + name
	if template != "" {
		u, err := neturl.Parse(template)
		if err != nil {
			return "", err
		}
		statement += " TEMPLATE " + strings.TrimPrefix(u.Path, "/")
	}
	if err := s.exec(ctx, statement); err != nil {
		return "", fmt.Errorf("create database: %w", err)
	}
	url, err := neturl.Parse(s.url)
	if err != nil {
		return "", errors.New("the server of the environment has no postgres:// URL")
	}
	url.Path = "/" + name
	return url.String(), nil
}

// DropDatabase drops a database that was created on the server.
func (s *Server) DropDatabase(ctx context.Context, url string) error {
	u, err := neturl.Parse(url)
	if err != nil {
		return err
	}
	return s.exec(ctx, "DROP DATABASE "+strings.TrimPrefix(u.Path, "/")+" WITH (FORCE)")
}

// Stop stops the server if Start started it, and deletes its folder.
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

// Crash stops the server as a crash does, calls away, and starts it again. It returns ErrNone
// for a server that Start did not start.
func (s *Server) Crash(ctx context.Context, away func()) error {
	if s.command == nil {
		return ErrNone
	}
	if err := s.command.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	_ = s.command.Wait() // the error is that it quit at once
	s.command = nil
	away()
	return s.launch(ctx)
}

// exec runs a statement in the default database of the server.
func (s *Server) exec(ctx context.Context, text string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, text)
	return errors.Join(err, conn.Close(ctx))
}
