package database_test

import (
	"errors"
	"fmt"
	"net"
	neturl "net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

// startTLS starts a PostgreSQL server that listens on a loopback address of its own, with a
// certificate of ca for that address, and returns the URL of a database by TCP.
func startTLS(t *testing.T, ca *certtest.Authority) *neturl.URL {
	t.Helper()
	const host = "127.54.32.18" // another server may have the port on 127.0.0.1
	if l, err := net.Listen("tcp", host+":5432"); err != nil {
		t.Skip("skipped: no TCP port: ", err)
	} else if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "tls-") //nolint:usetesting // the folders of t.TempDir are not readable for other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	cert, key, _ := ca.Issue(t, folder, host)
	if err := errors.Join(os.Chmod(folder, 0o755), os.Chmod(cert, 0o644), giveToPostgres(key)); err != nil {
		t.Fatal(err)
	}
	s, err := postgrestest.Start(t.Context(), "", "ssl=on", "ssl_cert_file="+cert, "ssl_key_file="+key, "listen_addresses="+host)
	if errors.Is(err, postgrestest.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	made, err := s.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u, err := neturl.Parse(made)
	if err != nil {
		t.Fatal(err)
	}
	u.Host, u.RawQuery = host+":5432", ""
	return u
}

// giveToPostgres makes the user of a server that root starts the owner of a file.
func giveToPostgres(path string) error {
	if os.Getuid() != 0 {
		return nil
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(owner.Uid)
	if err != nil {
		return err
	}
	return os.Chown(path, uid, -1)
}

// TestPostgresByTLS checks the URLs by which PostgreSQL is used over TLS: the server's
// certificate must be of the given authority, and for its host.
func TestPostgresByTLS(t *testing.T) {
	ca, other := certtest.New(t), certtest.New(t)
	server := startTLS(t, ca)
	missing := filepath.Join(t.TempDir(), "none.pem")
	for name, c := range map[string]struct {
		query   string
		refused string // part of the error; empty if it opens
	}{
		"verified":               {"sslmode=verify-full&sslrootcert=" + ca.File, ""},
		"required":               {"sslmode=require", ""},
		"another authority":      {"sslmode=verify-full&sslrootcert=" + other.File, "certificate"},
		"authority of require":   {"sslmode=require&sslrootcert=" + other.File, "certificate"},
		"no authority of anyone": {"sslmode=verify-full&sslrootcert=" + missing, "PostgreSQL"},
	} {
		u := *server
		u.RawQuery = c.query
		d, err := database.Open(t.Context(), u.String(), library)
		if err == nil {
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		}
		if (err == nil) != (c.refused == "") || err != nil && !strings.Contains(err.Error(), c.refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The libpq form.
	text := fmt.Sprintf("host=%s user=test dbname=%s sslmode=verify-full sslrootcert=%s", server.Hostname(), strings.TrimPrefix(server.Path, "/"), ca.File)
	d, err := database.Open(t.Context(), text, library)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
