package cli

import (
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/alecthomas/kong"
)

func TestUnknownVariables(t *testing.T) {
	parser := kong.Must(&commands{}, kong.Name("bongsu"), kong.DefaultEnvars("BONGSU"))
	got := unknownVariables(parser.Model, []string{
		"BONGSU_DATA=/data", "BONGSU_EDGE_ADDR=", "BONGSU_SERVER=x", "BONGSU_SLACK_URL=https://slack.com", "BONGSU_ALERT_URLS=s3cret", "PATH=/bin", "BONGSU", "bongsu_data=x",
	})
	if want := []string{"BONGSU_ALERT_URLS", "BONGSU_SLACK_URL"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestUnknownVariableIsLogged checks that the start logs the name of a misspelt variable,
// and not its value.
func TestUnknownVariableIsLogged(t *testing.T) {
	t.Setenv("BONGSU_ALERT_URLS", "s3cret")
	code, _, stderr := bongsu(t, "", "serve", "--data="+t.TempDir(), "--services=edge") // fails for lack of upstreams
	if code != exitFailed || !strings.Contains(stderr, "level=WARN") || !strings.Contains(stderr, "BONGSU_ALERT_URLS") || strings.Contains(stderr, "s3cret") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

// TestZeroIsNoDefault checks that zero values are errors and do not become defaults.
func TestZeroIsNoDefault(t *testing.T) {
	for _, flag := range []string{
		"--job-size=0", "--replicas=0", "--replicas=-1", "--breaker-calls=0", "--breaker-percent=0", "--breaker-percent=-2", "--failover-after=0s", "--failover-after=-1s",
		"--lease=0s", "--provider-timeout=0s", "--breaker-open=0s", "--breaker-open=-3s", "--refusal-time=0s", "--repeat-after=0s", "--repeat-after=-1s", "--repeat-fields=", "--flap-window=0s", "--data=", "--services=",
	} {
		name, _, _ := strings.Cut(flag, "=")
		code, _, stderr := bongsu(t, "", "serve", flag)
		if code != exitUsage || !strings.Contains(stderr, name+" ") {
			t.Errorf("%s: exit %d, %s", flag, code, stderr)
		}
	}
}

// TestEndingSignals checks that SIGHUP shuts the process down like SIGTERM, unless it
// was ignored at the start.
func TestEndingSignals(t *testing.T) {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	if got := shutdownSignals(func(os.Signal) bool { return false }); !slices.Equal(got, all) {
		t.Errorf("%v", got)
	}
	if got := shutdownSignals(func(s os.Signal) bool { return s == syscall.SIGHUP }); !slices.Equal(got, all[:2]) {
		t.Errorf("by nohup: %v", got)
	}
}
