package cli

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/bongsu-project/bongsu/services/access"
	"github.com/bongsu-project/bongsu/services/alert"
	"github.com/bongsu-project/bongsu/services/directory"
	"github.com/bongsu-project/bongsu/services/mockup"
	"github.com/bongsu-project/bongsu/services/sender"
)

var update = flag.Bool("update", false, "write the golden files")

// TestServeHelp compares the help of bongsu serve, which lists every setting, with a
// golden file. -update writes it.
func TestServeHelp(t *testing.T) {
	const golden = "testdata/serve_help.golden"
	t.Setenv("COLUMNS", "80")
	code, got, stderr := bongsu(t, "", "serve", "--help")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the help differs from %s; if it should, run the test with -update:\n%s", golden, got)
	}
}

// TestSettings checks the tags of the settings: each address and URL has a form that is
// checked at the start, and the help of an address names its default.
func TestSettings(t *testing.T) {
	addrs := map[string]string{
		"directory-addr": directory.DefaultAddr, "alert-addr": alert.DefaultAddr, "sender-addr": sender.DefaultAddr,
		"access-addr": access.DefaultAddr, "mockup-addr": mockup.DefaultAddr, "mockup-smtp-addr": mockup.MailPort,
	}
	for _, setting := range kong.Must(&serveCmd{}).Model.Flags {
		if form := setting.Tag.Get("check"); form == "" && (strings.HasSuffix(setting.Name, "-addr") || strings.HasSuffix(setting.Name, "-url")) {
			t.Errorf("--%s has no tag check", setting.Name)
		}
		if !strings.Contains(setting.Help, addrs[setting.Name]) {
			t.Errorf("the help of --%s does not name its default %s", setting.Name, addrs[setting.Name])
		}
		delete(addrs, setting.Name)
	}
	for name := range addrs {
		t.Errorf("--%s does not exist", name)
	}
}
