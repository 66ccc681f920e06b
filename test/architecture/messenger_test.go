package architecture

import (
	"os"
	"slices"
	"strings"
	"testing"
)

const messengers = "internal/messenger"

// sharedByMessengers are the folders of internal/messenger that are not providers. Every
// other folder there is one, so that a new messenger needs no new rule.
var sharedByMessengers = []string{"all", "call", "messengertest", "outcome"}

// providerOf returns the folder of the provider that a file or a package belongs to, or
// "".
func providerOf(name string) string {
	below, ok := strings.CutPrefix(name, messengers+"/")
	folder, _, _ := strings.Cut(below, "/")
	if !ok || slices.Contains(sharedByMessengers, folder) || strings.HasSuffix(folder, ".go") {
		return ""
	}
	return folder
}

// providerRefusal returns why an import of a provider, or by one, is not allowed, or "" if
// it is.
func providerRefusal(i Import) string {
	name, ours := strings.CutPrefix(i.Path, module)
	if !ours {
		return ""
	}
	test := strings.HasSuffix(i.File, "_test.go")
	by, of := providerOf(i.File), providerOf(name)
	switch {
	case of != "" && of != by && by != "":
		return "a provider does not import another"
	case of != "" && by == "" && !strings.HasPrefix(i.File, messengers+"/all/") && !test:
		return "only " + messengers + "/all imports providers"
	case by != "" && of == "" && !test && !strings.HasPrefix(name, "kit/") &&
		!slices.Contains([]string{messengers, messengers + "/call", "internal/job"}, name):
		return "a provider imports messenger, call, job and kit"
	case name == messengers+"/all" && !strings.HasPrefix(i.File, "cmd/") && !strings.HasPrefix(i.File, "test/") && !test:
		return "services receive messengers from app"
	case name == messengers+"/messengertest" && !test:
		return "it tests messengers"
	case name == messengers+"/call" && strings.HasPrefix(i.File, "services/alert/callback_"):
		return "" // callback endpoints are called as providers are
	case name == messengers+"/call" && !strings.HasPrefix(i.File, messengers+"/") && !strings.HasPrefix(i.File, "cmd/") && !test:
		return "only messengers call providers"
	}
	return ""
}

func TestProviders(t *testing.T) {
	all, err := imports(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	providers := map[string]bool{}
	for _, i := range all {
		providers[providerOf(i.File)] = true
		if why := providerRefusal(i); why != "" {
			t.Errorf("%s imports %s: %s", i.File, i.Path, why)
		}
	}
	if len(providers) < 10 {
		t.Errorf("only %d providers were found: this test looks in the wrong place", len(providers))
	}
}

// TestPlantedProviders checks that violations are found and allowed imports are not.
func TestPlantedProviders(t *testing.T) {
	const refused, allowed = true, false
	for _, row := range []struct {
		file, path string
		want       bool
	}{
		{"internal/messenger/all/all.go", "internal/messenger/slack", allowed},
		{"internal/messenger/slack/verify.go", "internal/messenger/call", allowed},
		{"internal/messenger/slack/verify.go", "internal/messenger", allowed},
		{"internal/messenger/slack/verify.go", "kit/redact", allowed},
		{"internal/messenger/slack/slack_test.go", "services/mockup", allowed},
		{"internal/messenger/slack/verify.go", "internal/messenger/teams", refused},
		{"internal/messenger/slack/slack_test.go", "internal/messenger/teams", refused},
		{"internal/messenger/slack/verify.go", "internal/target", refused},
		{"internal/messenger/slack/verify.go", "internal/messenger/all", refused},
		{"internal/messenger/messenger.go", "internal/messenger/slack", refused},
		{"internal/messenger/call/endpoint.go", "internal/messenger/slack", refused},
		{"services/mockup/twilio_test.go", "internal/messenger/twilio", allowed},
		{"services/edge/edge.go", "internal/messenger/twilio", refused},
		{"services/sender/sender.go", "internal/messenger/all", refused},
		{"services/sender/claim_test.go", "internal/messenger/all", allowed},
		{"services/sender/sender.go", "internal/messenger/call", refused},
		{"services/sender/sender.go", "internal/messenger", allowed},
		{"services/alert/alert_codec.go", "internal/messenger/outcome", allowed},
		{"cmd/bongsu/app/build.go", "internal/messenger/all", allowed},
		{"cmd/bongsu/app/build.go", "internal/messenger/slack", refused},
		{"cmd/bongsu/app/build.go", "internal/messenger/messengertest", refused},
	} {
		if why := providerRefusal(Import{File: row.file, Path: module + row.path}); (why != "") != row.want {
			t.Errorf("%s imports %s: refused: want %v, found %q", row.file, row.path, row.want, why)
		}
	}
}
