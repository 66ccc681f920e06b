package cli

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// TestInvalidUTF8IsTheCallersOwn checks that a value that is not UTF-8 is a usage error
// with the name of its field, without a call to the server and without quoting the
// value.
func TestInvalidUTF8IsTheCallersOwn(t *testing.T) {
	asked := false
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(server.Close)
	t.Setenv("BONGSU_SERVER", server.URL)
	const bad = "s3cret\xff"
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(bad+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, field := range map[string]string{
		"alert send @kim " + bad:                 "argument 4",
		"alert send @kim down --severity=" + bad: "--severity",
		"alert send @kim down --severity " + bad: "argument 6, after --severity,",
		"alert send @" + bad + " down":           "argument 3",
		"alert send @kim -":                      "message", // from standard input
		"alert resolve @kim @" + bad:             "argument 4",
		"alert list --" + bad + "=x":             "argument 3",
		"delivery replay --reason=" + bad:        "--reason",
		"group create " + bad:                    "argument 3",
		"user rename kim " + bad:                 "argument 4",
		"import " + bad + ".csv":                 "argument 2",
		"user create kim --messenger=slack --destination=C1 --credential-file=" + file: "addresses[0].credential",
		"user create kim --messenger=discord --credential-file=" + file:                "addresses[0].credential",
		"user add-address kim --messenger=slack --credential-file=-":                   "address.credential",
		"user add-address kim --messenger=slack --credential=x --destination=" + bad:   "--destination",
		"template set slack --file=" + file:                                            "",
	} {
		t.Run(strings.ReplaceAll(command, file, "FILE"), func(t *testing.T) {
			code, stdout, stderr := bongsu(t, bad, strings.Fields(command)...)
			if code != exitUsage || stdout != "" || strings.Contains(stderr, "server") {
				t.Errorf("exit %d, %q, %q", code, stdout, stderr)
			}
			if field != "" && !strings.Contains(stderr, "bongsu: "+field+" is not UTF-8 from byte ") || strings.Contains(stderr, "s3cret") {
				t.Errorf("got %q, want %s", stderr, field)
			}
		})
	}
	t.Setenv("BONGSU_CREDENTIAL", bad)
	if code, _, stderr := bongsu(t, "", "user", "list"); code != exitUsage || !strings.Contains(stderr, "bongsu: BONGSU_CREDENTIAL is not UTF-8") {
		t.Errorf("exit %d, %q", code, stderr)
	}
	if asked {
		t.Error("the server was called")
	}
}

func TestCheckUTF8(t *testing.T) {
	for want, m := range map[string]any{
		"":                          &userv1.CreateUserRequest{NickName: "홍길동", Addresses: []*userv1.NewAddress{{Destination: "\uFFFD"}}},
		"addresses[1].destination":  &userv1.CreateUserRequest{NickName: "kim", Addresses: []*userv1.NewAddress{{}, {Destination: "a\xe9"}}},
		"details[0].value":          &alertv1.SendAlertRequest{Details: []*alertv1.Detail{{Name: "a", Value: "\xed\xa0\x80"}}},
		"users[0].addresses[0].cre": &userv1.ImportDirectoryRequest{Users: []*userv1.TransferUser{{Addresses: []*userv1.TransferAddress{{SealedCredential: []byte{0xff}, Credential: "\xff"}}}}},
	} {
		err := checkUTF8(m)
		if (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
		if _, ok := errors.AsType[usageError](err); err != nil && !ok {
			t.Errorf("%v is not a usage error", err)
		}
	}
}
