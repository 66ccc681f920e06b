package probe

import (
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bongsu-project/bongsu/internal/testenv"
	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
)

func TestMain(m *testing.M) { postgrestest.Main(m, testenv.Postgres) }

// userURL returns the URL of a new database as a check has it, and its password.
func userURL(t *testing.T) (at, password string) {
	t.Helper()
	config, err := pgx.ParseConfig(postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	port := listen(t, func(conn net.Conn) { // the server may listen on a socket only
		server, err := new(net.Dialer).DialContext(t.Context(), network, address)
		if err != nil {
			return
		}
		defer server.Close()
		go func() { _, _ = io.Copy(server, conn); _ = server.Close() }()
		_, _ = io.Copy(conn, server)
	})
	u := url.URL{Scheme: "postgres", User: url.User(config.User), Host: port, Path: "/" + config.Database, RawQuery: "sslmode=disable"}
	return u.String(), config.Password
}

func TestPostgres(t *testing.T) {
	at, password := userURL(t)
	for name, c := range map[string]struct {
		check   Postgres
		outcome Outcome
		message string
	}{
		"no limit":          {Postgres{}, Passed, "PostgreSQL 1"},
		"connections":       {Postgres{ConnectionsPercent: 100}, Passed, "connections "},
		"connections above": {Postgres{ConnectionsPercent: 1e-9}, Failed, "connections "},
		"no standby":        {Postgres{ReplicationLag: time.Second}, Passed, "replication lag 0 s"},
		"wraparound":        {Postgres{XIDPercent: 100}, Passed, "transaction ids until wraparound "},
		"wraparound above":  {Postgres{XIDPercent: 1e-9}, Failed, "above 0 %"},
		"several":           {Postgres{ConnectionsPercent: 100, XIDPercent: 1e-9}, Failed, "transaction ids"},
	} {
		t.Run(name, func(t *testing.T) {
			c.check.URL, c.check.Password = at, password
			want(t, run(t, private(), &c.check), c.outcome, c.message)
		})
	}
	want(t, run(t, New(Env{}), &Postgres{URL: at, Password: password}), Failed, "refused: the address")
	want(t, run(t, private(), &Postgres{URL: strings.Replace(at, "/"+lastPath(t, at), "/none", 1), Password: password}), Failed, "SQLSTATE 3D000")
}

func lastPath(t *testing.T, at string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

// TestPostgresTransaction verifies the age of the oldest transaction.
func TestPostgresTransaction(t *testing.T) {
	at, password := userURL(t)
	c := &Postgres{URL: at, Password: password, TransactionAge: time.Microsecond}
	conn, err := pgx.Connect(t.Context(), postgrestest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	want(t, run(t, private(), c), Failed, "oldest transaction ")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.TransactionAge = time.Hour
	want(t, run(t, private(), c), Passed, "oldest transaction 0")
}

// TestPostgresLedger verifies that the ledger is read without a URL, and needs no permission for its address.
func TestPostgresLedger(t *testing.T) {
	want(t, run(t, New(Env{LedgerURL: postgrestest.URL(t)}), &Postgres{ConnectionsPercent: 100}), Passed, "connections ")
	want(t, run(t, New(Env{}), &Postgres{ConnectionsPercent: 100}), Unknown, "not PostgreSQL")
	f := run(t, New(Env{LedgerURL: "postgres://me:s3cretpass@" + closedPort(t) + "/a"}), &Postgres{})
	want(t, f, Failed, "connection refused")
	if strings.Contains(f.Message, "s3cretpass") {
		t.Error(f.Message)
	}
}

// TestPostgresEnvironment verifies that the password of the environment of this process is not sent to a
// user-given server.
func TestPostgresEnvironment(t *testing.T) {
	t.Setenv("PGPASSWORD", "of-the-operator")
	config, err := (&Postgres{URL: "postgres://me@db.example/a"}).config(private())
	if err != nil || config.Password != "" {
		t.Errorf("password %q, %v", config.Password, err)
	}
}
