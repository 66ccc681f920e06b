package postgrestest

import (
	"bytes"
	"context"
	"fmt"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// sbin is the path of pgbouncer in Debian.
const sbin = "/usr/sbin/pgbouncer"

// PooledURLs returns a function that creates databases by fresh, such as URL, each reached through a
// PgBouncer in transaction mode that runs until the test ends. The test is skipped without
// PostgreSQL or pgbouncer.
func PooledURLs(t *testing.T, fresh func(testing.TB) string) func(testing.TB) string {
	t.Helper()
	s := requireServer(t)
	binary := find("pgbouncer")
	if _, err := os.Stat(sbin); binary == "" && err == nil {
		binary = sbin // Debian installs it outside of the PATH of users
	}
	if binary == "" {
		t.Skip("skipped without PgBouncer: no pgbouncer in PATH (Debian: apt-get install pgbouncer)")
	}
	server, err := pgx.ParseConfig(s.url)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "pgbouncer-") //nolint:usetesting // the socket path must be short, and another user owns the folder
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	settings := fmt.Sprintf(`[databases]
* = host=%s port=%d
[pgbouncer]
pool_mode = transaction
default_pool_size = 10
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = trust
auth_file = %s
`, server.Host, server.Port, folder, filepath.Join(folder, "users.txt"))
	file := filepath.Join(folder, "pgbouncer.ini")
	users := fmt.Sprintf("%q %q\n", server.User, server.Password)
	for path, content := range map[string]string{file: settings, filepath.Join(folder, "users.txt"): users} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var output bytes.Buffer
	command := exec.Command(binary, file)
	command.Stdout, command.Stderr = &output, &output
	if err := unprivileged(command, folder); err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // the error is that it was killed
		if t.Failed() {
			t.Logf("output of pgbouncer:\n%s", &output)
		}
	})
	return func(t testing.TB) string {
		t.Helper()
		direct, err := neturl.Parse(fresh(t))
		if err != nil {
			t.Fatal(err)
		}
		query := neturl.Values{"host": {folder}, "port": {"6432"}, "default_query_exec_mode": {"exec"}}
		url := "postgres://" + server.User + "@" + direct.Path + "?" + query.Encode()
		for deadline := time.Now().Add(30 * time.Second); ; {
			conn, err := pgx.Connect(t.Context(), url)
			if err == nil {
				_ = conn.Close(context.Background())
				return url
			}
			if time.Now().After(deadline) {
				t.Fatalf("cannot connect to pgbouncer: %v", err)
			}
			time.Sleep(20 * time.Millisecond) // an external process can only be polled
		}
	}
}
