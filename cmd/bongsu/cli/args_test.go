package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

func TestFlagsFirst(t *testing.T) {
	model := kong.Must(&commands{}, kong.Name("bongsu")).Model
	for args, want := range map[string]string{
		"":                                      "",
		"--help":                                "--help",
		"alert --json":                          "alert --json",
		"signal @user1 --json":                  "signal @user1 --json",
		"alert list --limit 3 --json":           "alert list --limit 3 --json",
		"alert send @user1 down":                "alert send -- @user1 down",
		"alert send @user1 --severity=low down": "alert send --severity=low -- @user1 down",
		"alert send @user1 --severity low down": "alert send --severity low -- @user1 down",
		"alert send @a --strict @b --json down": "alert send --strict --json -- @a @b down",
		"alert --json send @user1 -":            "alert send --json -- @user1 -",
		"alert send @user1 --strict -- --json":  "alert send --strict -- @user1 --json",
		"alert send @user1 -h down":             "alert send -h -- @user1 down",
		"alert send @user1 down --timeout":      "alert send --timeout -- @user1 down",
		"group get list --hurry now":            "group get --hurry -- list now",
	} {
		got := flagsFirst(model.Node, strings.Fields(args))
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s\ngot  %s\nwant %s", args, strings.Join(got, " "), want)
		}
	}
}

// TestRepeatedFlag checks that a flag with one value is refused if it is set twice,
// because one value would be dropped silently. Flags with lists may be repeated.
func TestRepeatedFlag(t *testing.T) {
	parser := kong.Must(&commands{}, kong.Name("bongsu"))
	for _, test := range []struct{ line, want string }{
		{"serve --alert-url=http://a --alert-url=http://b", "--alert-url"},
		{"serve --alert-url http://a --alert-url http://b", "--alert-url"},
		{"serve --demo-data --demo-data", "--demo-data"},
		{"serve --data=a --log-level=info --data=b", "--data"},
		{"alert send @a --severity=high down --severity=low", "--severity"},
		{"alert send @a --key --key down", ""},
		{"alert send @a --detail=a=b --detail=c=d down", ""},
		{"serve --services=edge --services=alert --allow-destinations=10.0.0.1 --allow-destinations=10.0.0.2", ""},
		{"alert send @a --key=x -- --key=y", ""},
		{"keys list --nothing --nothing", ""},
	} {
		if got := repeated(parser.Model.Node, strings.Fields(test.line)); got != test.want {
			t.Errorf("%s: %q, want %q", test.line, got, test.want)
		}
	}
	code, _, stderr := bongsu(t, "", "serve", "--data="+t.TempDir(), "--alert-url=http://a", "--alert-url=http://b")
	if code != exitUsage || !strings.Contains(stderr, "duplicate flag --alert-url") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

func TestAsArgument(t *testing.T) {
	for text, want := range map[string]string{
		"@kim": "@kim", "@홍길동": "@홍길동", "@a/b@c": "@a/b@c", "@a b": "'@a b'", "@$(x)": "'@$(x)'", "@it's": `'@it'\''s'`, "": "''", "@a;b": "'@a;b'",
	} {
		if got := asArgument(text); got != want {
			t.Errorf("asArgument(%q) is %s, want %s", text, got, want)
		}
	}
}
