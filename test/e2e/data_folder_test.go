package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/test/proc"
)

// TestOneProcessPerFolder starts a second process on a data folder, with all services and with
// one: it fails with the process id of the first and the remedy. A killed process leaves no
// lock.
func TestOneProcessPerFolder(t *testing.T) {
	data := t.TempDir()
	run := func(more ...string) *proc.Process {
		return binaries.Serve(t, append([]string{"--data=" + data, "--edge-addr=127.0.0.1:0"}, more...)...)
	}
	first := run()
	first.URLs(t, 1)

	nothing := "http://127.0.0.1:1"
	for _, more := range [][]string{nil, {"--services=edge", "--directory-service-url=" + nothing, "--alert-url=" + nothing}} {
		second := run(more...)
		if err := second.Wait(t); err == nil {
			t.Errorf("the second process with %v exited without an error", more)
		}
		for _, want := range []string{fmt.Sprintf("process %d ", first.ID()), "--data", "--seal-key-file"} {
			if logged := second.Log(); !strings.Contains(logged, want) {
				t.Errorf("the log with %v lacks %q:\n%s", more, want, logged)
			}
		}
	}

	first.Kill()
	third := run()
	third.URLs(t, 1)
	must(t, third.Stop(t))
}
