package cli

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets scripts run this test binary as the command bongsu.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bongsu": func() { os.Exit(Main("", time.Now)) }})
}

// testConsole returns a console with the clock and the time zone of the system.
func testConsole(stdin string, stdout, stderr io.Writer) *console {
	return &console{In: strings.NewReader(stdin), Out: stdout, Err: stderr, Now: time.Now, Zone: time.Local}
}

// bongsu runs a command line in this process.
func bongsu(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, testConsole(stdin, &out, &err))
	return code, out.String(), err.String()
}

// TestUsage checks that invalid command lines exit with 2 and print to stderr only,
// before any call.
func TestUsage(t *testing.T) {
	for _, test := range []struct{ line, stderr string }{
		{"", "expected one of"},
		{"signal", "unexpected argument signal"},
		{"alert", "expected one of"},
		{"alert send", "expected \"<target-and-message> ...\""},
		{"alert send @user1", "looks like a target"},
		{"alert send down", "missing target"},
		{"alert send @user1 node1 down", "quote a message"},
		{"alert send @user1 -", "the message is empty"},
		{"alert send @user1 down --hurry", "unknown flag --hurry"},
		{"alert list --state=lost", "--state must be one of"},
		{"alert list --limit=-1", "--limit must not be negative"},
		{"alert list --since=yesterday", "invalid --since"},
		{"alert list --timeout=-1s", "--timeout must not be negative"},
		{"alert list --server=ftp://example.org", "--server must be a URL"},
		{"alert list --server=http://", "--server must be a URL"},
		{"alert list --server=http://a,b", "--server must be a URL"},
		{"alert list --server=a:18080,b:18080", "--server must be a URL"},
		{"alert list --server=127.0.0.1:port", "--server must be a URL"},
		{"alert list --server=127.0.0.1:99999", "--server must be a URL"},
		{"alert list --server=http://kim:s3cret@host?x", "--server must be a URL"},
		{"alert list --server=http://kim:s3c/ret@host", "--server must be a URL"},
		{"alert list --server=a --server=b", "duplicate flag --server"},
		{"group get 99999999999", "group id 99999999999 is too large"},
		{"group get @team", "malformed group"},
		{"user create user1 --messenger=slack", "missing credential"},
		{"user create user1 --credential=s3cret", "an address needs --messenger and its settings"},
		{"user add-address user1 --destination=C1", "missing flags: --messenger"},
		{"user add-address user1 --messenger=slack --destination=C1", "missing credential"},
		{"user add-address user1 --messenger=slack --destination=C1 --credential-file=-", "the credential is empty"},
		{"user replace-address user1 slack --credential=s3cret --credential-file=-", "set the credential once"},
	} {
		t.Run(test.line, func(t *testing.T) {
			code, stdout, stderr := bongsu(t, "\n", strings.Fields(test.line)...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.stderr) {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit %d and %q", code, stdout, stderr, exitUsage, test.stderr)
			}
			if strings.Contains(stderr, "s3c") {
				t.Errorf("stderr shows the credential: %q", stderr)
			}
		})
	}
}

// TestHelp checks that every command has help, and every client command an example.
func TestHelp(t *testing.T) {
	t.Setenv("BONGSU_CREDENTIAL", "s3cret")
	t.Setenv("BONGSU_SEAL_KEY", "s3cret")
	parser := kong.Must(&commands{}, kong.Name("bongsu"))
	leaves := parser.Model.Leaves(true)
	if len(leaves) < 20 {
		t.Fatalf("only %d commands were found", len(leaves))
	}
	for _, leaf := range leaves {
		path := strings.TrimPrefix(leaf.FullPath(), "bongsu ")
		path = strings.ReplaceAll(path, " (keys)", "") // the alias of key
		t.Run(path, func(t *testing.T) {
			code, stdout, stderr := bongsu(t, "", append(strings.Fields(path), "--help")...)
			if code != exitOK || stderr != "" {
				t.Fatalf("exit %d, stderr %q", code, stderr)
			}
			if path != "serve" && path != "demo" && !strings.Contains(stdout, "\n    bongsu "+path) && !strings.Contains(stdout, "| bongsu "+path) {
				t.Errorf("no example:\n%s", stdout)
			}
			if strings.Contains(stdout, "s3cret") {
				t.Errorf("help shows the credential:\n%s", stdout)
			}
		})
	}
}

// TestFlagsHaveTwins checks that every flag has an environment variable of the same
// words.
func TestFlagsHaveTwins(t *testing.T) {
	parser := kong.Must(&commands{}, kong.Name("bongsu"), kong.DefaultEnvars("BONGSU"))
	seen := 0
	for _, leaf := range parser.Model.Leaves(true) {
		for _, flag := range leaf.Flags {
			want := "BONGSU_" + strings.ToUpper(strings.ReplaceAll(flag.Name, "-", "_"))
			if len(flag.Envs) != 1 || flag.Envs[0] != want {
				t.Errorf("%s --%s has %v, want %s", leaf.Path(), flag.Name, flag.Envs, want)
			}
			seen++
		}
	}
	if seen < 60 {
		t.Errorf("only %d flags were found", seen)
	}
}

// TestFullDisk checks that a failed write of the output is an error.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer func() { _ = full.Close() }()
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"version"}, testConsole("", full, &stderr)); code != exitFailed || stderr.Len() == 0 {
		t.Errorf("exit %d, stderr %q", code, &stderr)
	}
}
