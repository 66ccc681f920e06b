package faults

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// newDatabase returns a new database for a service.
func newDatabase(t testing.TB, store, service string) (url string) {
	t.Helper()
	if store == "postgres" {
		return postgrestest.URL(t)
	}
	return filepath.Join(t.TempDir(), service+".db")
}

// databases returns a new directory and a new ledger.
func databases(t testing.TB, store string) (directory, ledger string) {
	t.Helper()
	return newDatabase(t, store, "directory"), newDatabase(t, store, "ledger")
}

// databaseFlags returns the flags of new databases for all services.
func databaseFlags(t testing.TB, store string) []string {
	t.Helper()
	directory, ledger := databases(t, store)
	return []string{"--directory-url=" + directory, "--ledger-url=" + ledger, "--access-url=" + newDatabase(t, store, "access")}
}

// startOneProcess runs all services in one process, with users.
func startOneProcess(t testing.TB, store string, more ...string) *system {
	t.Helper()
	return oneIn(t, t.TempDir(), append(more, databaseFlags(t, store)...)...)
}

// oneIn runs all services in one process with the folder data.
func oneIn(t testing.TB, data string, more ...string) *system {
	t.Helper()
	return newSystem(t).one(t, data, more...)
}

// startSplit runs directory, alert, broker and senders in separate processes on SQLite, with
// users.
func startSplit(t testing.TB, senders ...string) *system {
	t.Helper()
	return withBroker(t).split(t, "sqlite", senders...)
}

// startPairs runs two of each of edge, directory, alert and sender in separate processes, which
// find one another by the broker, on shared databases, with users.
func startPairs(t testing.TB) *system {
	t.Helper()
	return withBroker(t).pairs(t)
}

// one runs all services in one process with the folder data.
func (s *system) one(t testing.TB, data string, more ...string) *system {
	t.Helper()
	s.jetstream = filepath.Join(data, "jetstream")
	s.sendTo(s.serve(t, "all", "edge", append(more, "--data="+data)...))
	s.readAdminKey(t, "all", data)
	s.settle(t, s.url)
	return s
}

// split runs directory, alert and senders in separate processes. If callers need an API key,
// access and edge are two more, and callers use the edge; otherwise they use the services.
func (s *system) split(t testing.TB, store string, senders ...string) *system {
	t.Helper()
	directory, ledger := databases(t, store)
	group := s.serve(t, "directory", "directory", s.directoryFlags(t, directory)...)
	alert := s.serve(t, "alert", "alert", append(s.alertFlags(t, ledger), "--directory-service-url="+group)...)
	s.alertURL = alert
	if s.requiresKeys() {
		data := t.TempDir()
		access := s.serve(t, "access", "access", "--services=access", "--data="+data, "--access-url="+newDatabase(t, store, "access"))
		s.readAdminKey(t, "access", data)
		s.sendTo(s.serve(t, "edge", "edge", "--services=edge", "--data="+t.TempDir(), "--directory-service-url="+group, "--alert-url="+alert, "--access-service-url="+access))
		s.settle(t, s.url)
	} else {
		s.sendTo(alert)
		s.settle(t, group)
	}
	for _, name := range senders {
		s.serveSender(t, name, alert)
	}
	return s
}

// pairs runs two of each of edge, directory, alert and sender, which have no URL of one another:
// they are in the registry. If callers need an API key, each edge has an access service in its
// process.
func (s *system) pairs(t testing.TB) *system {
	t.Helper()
	directory, ledger := databases(t, "postgres")
	front := []string{"--services=edge"}
	if s.requiresKeys() {
		front = []string{"--services=edge,access", "--access-url=" + newDatabase(t, "postgres", "access")}
	}
	var edges []string
	for n := 1; n <= 2; n++ {
		s.serve(t, fmt.Sprintf("directory%d", n), "directory", append(s.directoryFlags(t, directory), "--nats-url="+s.nats)...)
		s.serve(t, fmt.Sprintf("alert%d", n), "alert", s.alertFlags(t, ledger)...)
		edge, data := fmt.Sprintf("edge%d", n), t.TempDir()
		edges = append(edges, s.serve(t, edge, "edge", slices.Concat(front, []string{"--data=" + data, "--nats-url=" + s.nats})...))
		if n == 1 { // the first start on an empty database
			s.readAdminKey(t, edge, data)
		}
		s.serveSender(t, fmt.Sprintf("sender%d", n), "")
	}
	s.sendTo(edges...)
	for _, edge := range edges {
		s.awaitInstances(t, edge)
	}
	s.settle(t, s.url)
	return s
}

// serveByName starts directory, alert, edge and sender1, which find one another in the registry. If
// callers need an API key, the edge has an access service in its process.
func (s *system) serveByName(t testing.TB, store string) {
	t.Helper()
	directory, ledger := databases(t, store)
	byName := "--nats-url=" + s.nats
	s.serve(t, "directory", "directory", append(s.directoryFlags(t, directory), byName)...)
	s.serve(t, "alert", "alert", s.alertFlags(t, ledger)...)
	front, data := []string{"--services=edge"}, t.TempDir()
	if s.requiresKeys() {
		front = []string{"--services=edge,access", "--access-url=" + newDatabase(t, store, "access")}
	}
	s.sendTo(s.serve(t, "edge", "edge", append(front, "--data="+data, byName)...))
	s.readAdminKey(t, "edge", data)
	s.serveSender(t, "sender1", "")
}

// awaitInstances waits until an edge knows the instances of all services that it calls, and they
// are ready.
func (s *system) awaitInstances(t testing.TB, edge string) {
	t.Helper()
	for deadline := time.Now().Add(proc.Patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) { // between polls of another process
		res, err := http.Get(edge + "/readyz")
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode == http.StatusOK {
			return
		}
	}
	t.Fatalf("%s is not ready", edge)
}

// withBroker returns a system with only a broker and a seal key.
func withBroker(t testing.TB) *system {
	t.Helper()
	s := newSystem(t)
	s.jetstream, s.key = t.TempDir(), filepath.Join(t.TempDir(), "seal.key")
	if out, err := exec.Command(binaries.Bongsu, "key", "make", s.key).CombinedOutput(); err != nil {
		t.Fatalf("key make: %v\n%s", err, out)
	}
	port := proc.Port(t)
	s.nats = fmt.Sprintf("nats://127.0.0.1:%d", port)
	s.add(t, "broker", func(t testing.TB) *proc.Process {
		p, _ := binaries.NATS(t, s.jetstream, port)
		return p
	})
	return s
}

// directoryFlags returns the flags of a directory service on a database.
func (s *system) directoryFlags(t testing.TB, directory string) []string {
	t.Helper()
	return []string{"--services=directory", "--data=" + t.TempDir(), "--directory-url=" + directory, "--seal-key-file=" + s.key}
}

// alertFlags returns the flags of an alert service on a ledger.
func (s *system) alertFlags(t testing.TB, ledger string) []string {
	t.Helper()
	return []string{"--services=alert", "--data=" + t.TempDir(), "--ledger-url=" + ledger, "--nats-url=" + s.nats}
}

// serveSender starts a sender that uses the alert service at a URL, or for an empty one those of
// the registry.
func (s *system) serveSender(t testing.TB, name, alert string, more ...string) {
	t.Helper()
	if alert != "" {
		more = append(more, "--alert-url="+alert)
	}
	s.serve(t, name, "sender", append(more, "--services=sender", "--data="+t.TempDir(), "--nats-url="+s.nats, "--seal-key-file="+s.key)...)
}
