package e2e

import (
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/bongsu-project/bongsu/test/proc"
)

// TestSIGHUP checks that SIGHUP stops a process like SIGTERM, except under nohup.
func TestSIGHUP(t *testing.T) {
	// Tests under nohup ignore SIGHUP, and so would the process; a handler ends that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	t.Cleanup(func() { signal.Reset(syscall.SIGHUP) })
	p := binaries.Serve(t, "--data="+t.TempDir(), "--edge-addr=127.0.0.1:0")
	p.URLs(t, 1)
	p.Signal(t, syscall.SIGHUP)
	must(t, p.Wait(t))
	if logged := p.Log(); !strings.Contains(logged, `"msg":"stopped"`) {
		t.Errorf("no graceful stop:\n%s", logged)
	}

	cmd := binaries.ServeCommand("--data="+t.TempDir(), "--edge-addr=127.0.0.1:0")
	nohup := proc.Start(t, exec.Command("nohup", cmd.Args...))
	nohup.URLs(t, 1)
	nohup.Signal(t, syscall.SIGHUP)
	d := deployment{edge: nohup.URLs(t, 1)["edge"]}
	if status, answer := request(t, "GET", d.edge+"/healthz", ""); status != 200 {
		t.Errorf("after SIGHUP: %d %s", status, answer)
	}
	must(t, nohup.Stop(t))
}
