package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/test/proc"
)

// TestOneProcessPerFolder starts a second process on a data folder: it fails with the
// process id of the first. A killed process leaves no lock.
func TestOneProcessPerFolder(t *testing.T) {
	data := t.TempDir()
	run := func() *proc.Process {
		return binaries.Serve(t, "--data="+data, "--edge-addr=127.0.0.1:0")
	}
	first := run()
	first.URLs(t, 1)

	second := run()
	if err := second.Wait(t); err == nil {
		t.Error("the second process exited without an error")
	}
	for _, want := range []string{fmt.Sprintf("process %d ", first.ID()), "--data", "--nats-url"} {
		if logged := second.Log(); !strings.Contains(logged, want) {
			t.Errorf("the log lacks %q:\n%s", want, logged)
		}
	}

	first.Kill()
	third := run()
	third.URLs(t, 1)
	must(t, third.Stop(t))
}

// TestSixProcessesOnOneFolder checks that services with an external NATS server and
// separate databases, including two senders, share a folder.
func TestSixProcessesOnOneFolder(t *testing.T) {
	data := t.TempDir()
	_, nats := binaries.NATS(t, t.TempDir(), -1)
	serve := func(name string, more ...string) string {
		t.Helper()
		args := append([]string{"--services=" + name, "--data=" + data}, anywhere...)
		return binaries.Serve(t, append(args, more...)...).URLs(t, 1)[name]
	}
	key := "--seal-key-file=" + makeKey(t)
	d := deployment{nats: nats, mockup: serve("mockup")}
	d.directory = serve("directory", "--demo-data", key)
	d.alert = serve("alert", "--directory-service-url="+d.directory, "--nats-url="+nats)
	d.edge = serve("edge", "--directory-service-url="+d.directory, "--alert-url="+d.alert)
	for range 2 {
		d.sender = serve("sender", "--alert-url="+d.alert, "--nats-url="+nats, "--provider-url="+d.mockup, key)
	}
	ended := d.ended(t, d.send(t, `{"target":["@all"],"message":"m"}`).ID)
	if len(ended) != 9 || kinds(ended[0]) != "sent" {
		t.Errorf("%v", ended)
	}
	if found, err := filepath.Glob(filepath.Join(data, "*.lock")); err != nil || len(found) != 0 {
		t.Errorf("unneeded lock files: %v, %v", found, err)
	}
}
