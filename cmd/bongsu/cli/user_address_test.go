package cli

import (
	"errors"
	"strings"
	"testing"
)

func TestReadAll(t *testing.T) {
	for text, want := range map[string]string{
		"xoxb-1\n":         "xoxb-1",
		"xoxb-1\r\n\n":     "xoxb-1",
		" two words ":      " two words ",
		"line 1\nline 2\n": "line 1\nline 2",
	} {
		got, err := readAll(strings.NewReader(text), "the credential")
		if err != nil || got != want {
			t.Errorf("readAll(%q) is %q, %v; want %q", text, got, err, want)
		}
	}
	for what, text := range map[string]string{"nothing": "", "line ends": "\r\n\n", "too much": strings.Repeat("s", 1<<20+1)} {
		got, err := readAll(strings.NewReader(text), "the credential")
		if _, usage := errors.AsType[usageError](err); !usage || got != "" {
			t.Errorf("readAll of %s is %q, %v", what, got, err)
		}
	}
}

func TestCredentialSources(t *testing.T) {
	path := t.TempDir() + "/token"
	for _, c := range []credentialFlags{{CredentialFile: path}, {}, {Credential: "a", CredentialFile: path}} {
		if secret, err := c.read(strings.NewReader("piped")); err == nil {
			t.Errorf("%+v gave %q", c, secret)
		}
	}
	for want, c := range map[string]credentialFlags{"said": {Credential: "said"}, "piped": {CredentialFile: "-"}} {
		if secret, err := c.read(strings.NewReader("piped\n")); err != nil || secret != want {
			t.Errorf("%+v gave %q, %v", c, secret, err)
		}
	}
}
