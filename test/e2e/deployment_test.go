package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bongsu-project/bongsu/kit/kittest/postgrestest"
	"github.com/bongsu-project/bongsu/test/proc"
)

// A deployment holds the URLs of the services of a running Bongsu.
type deployment struct {
	edge, directory, alert, sender, mockup string // URLs
	nats                                   string // URL of the broker; empty for the embedded one
	key                                    string // path of the seal key file

	parts map[string]*proc.Process // by service, if each has its own
	front *proc.Process            // the process of the edge
}

// anywhere lets every service of a process listen, on any free port.
var anywhere = []string{"--edge-addr=127.0.0.1:0", "--directory-addr=127.0.0.1:0", "--alert-addr=127.0.0.1:0", "--sender-addr=127.0.0.1:0", "--mockup-addr=127.0.0.1:0"}

// oneProcess runs all services in one process with its own broker.
func oneProcess(t *testing.T, more ...string) deployment {
	t.Helper()
	data := t.TempDir()
	args := append([]string{"--services=all,mockup", "--demo-data", "--data=" + data}, anywhere...)
	process := binaries.Serve(t, append(args, more...)...)
	urls := process.URLs(t, 5)
	return deployment{front: process, edge: urls["edge"], directory: urls["directory"], alert: urls["alert"], sender: urls["sender"], mockup: urls["mockup"],
		key: filepath.Join(data, "seal.key")}
}

// sixProcesses runs each service in a process of its own, with a NATS server, by which they
// find one another. atEdge holds additional flags of the edge.
func sixProcesses(t *testing.T, atEdge ...string) deployment {
	t.Helper()
	d, startSender := startParts(t, false, atEdge...)
	d.sender = startSender()
	awaitReady(t, d.edge, true)
	awaitReady(t, d.sender, true)
	return d
}

// withoutSender runs each service but the sender in a process of its own, with a NATS server.
// Each has the URLs of the services that it calls.
func withoutSender(t *testing.T, atEdge ...string) (d deployment, startSender func(more ...string) (url string)) {
	t.Helper()
	return startParts(t, true, atEdge...)
}

// startParts is sixProcesses before the start of the sender, without or with URLs.
func startParts(t *testing.T, byURL bool, atEdge ...string) (d deployment, startSender func(more ...string) (url string)) {
	t.Helper()
	_, d.nats = binaries.NATS(t, t.TempDir(), -1)
	d.parts = map[string]*proc.Process{}
	d.key = makeKey(t)
	service := func(name string, args ...string) string {
		t.Helper()
		args = append(args, "--services="+name, "--data="+t.TempDir(), "--nats-url="+d.nats)
		d.parts[name] = binaries.Serve(t, append(args, anywhere...)...)
		return d.parts[name].URLs(t, 1)[name]
	}
	// urls returns flags, of which the values are URLs.
	urls := func(flags ...string) []string {
		if !byURL {
			return nil
		}
		return flags
	}
	d.mockup = service("mockup")
	config := filepath.Join(t.TempDir(), "messengers.yaml") // for mail, which the mockup accepts on any free port
	must(t, os.WriteFile(config, []byte("email: {url: smtp://"+d.parts["mockup"].MailAddr(t)+"}\n"), 0o600))
	d.directory = service("directory", "--demo-data", "--seal-key-file="+d.key)
	d.alert = service("alert", urls("--directory-service-url="+d.directory)...)
	d.edge = service("edge", append(urls("--directory-service-url="+d.directory, "--alert-url="+d.alert), atEdge...)...)
	d.front = d.parts["edge"]
	return d, func(more ...string) string {
		t.Helper()
		flags := append(urls("--alert-url="+d.alert), "--messenger-config="+config, "--provider-url="+d.mockup, "--seal-key-file="+d.key)
		return service("sender", append(flags, more...)...)
	}
}

// makeKey creates a seal key file and returns its path.
func makeKey(t *testing.T) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "seal.key")
	if out, err := exec.Command(binaries.Bongsu, "key", "make", key).CombinedOutput(); err != nil {
		t.Fatalf("key make: %v\n%s", err, out)
	}
	return key
}

// onPostgreSQL runs all services in one process with databases on PostgreSQL.
func onPostgreSQL(t *testing.T) deployment {
	t.Helper()
	return oneProcess(t, "--directory-url="+postgrestest.URL(t), "--ledger-url="+postgrestest.URL(t))
}

// inEachDeployment runs a test in each deployment: one process on SQLite, one on PostgreSQL,
// and six processes.
func inEachDeployment(t *testing.T, suite func(t *testing.T, d deployment)) {
	t.Run("one process", func(t *testing.T) { suite(t, oneProcess(t)) })
	t.Run("one process on PostgreSQL", func(t *testing.T) { suite(t, onPostgreSQL(t)) })
	t.Run("six processes", func(t *testing.T) { suite(t, sixProcesses(t)) })
}
