package auth

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
)

func basic(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }

func TestCredentialOf(t *testing.T) {
	for name, c := range map[string]struct {
		header []string
		want   credential // zero for none
		err    bool
	}{
		"none":                    {nil, credential{}, false},
		"bearer":                  {[]string{"Bearer abc"}, credential{text: "abc"}, false},
		"lower case":              {[]string{"bearer abc"}, credential{text: "abc"}, false},
		"spaces":                  {[]string{"Bearer   abc  "}, credential{text: "abc"}, false},
		"basic, password":         {[]string{basic("library:abc")}, credential{"abc", true}, false},
		"basic, user":             {[]string{basic("abc:")}, credential{"abc", true}, false},
		"basic, password only":    {[]string{basic(":abc")}, credential{"abc", true}, false},
		"basic, colon in it":      {[]string{basic("a:b:c")}, credential{"b:c", true}, false},
		"basic, no colon":         {[]string{basic("abc")}, credential{}, true},
		"basic, nothing":          {[]string{basic(":")}, credential{}, true},
		"basic, no base64":        {[]string{"Basic ***"}, credential{}, true},
		"empty":                   {[]string{""}, credential{}, true},
		"scheme only":             {[]string{"Bearer"}, credential{}, true},
		"scheme and spaces":       {[]string{"Bearer  "}, credential{}, true},
		"unknown scheme":          {[]string{"Digest abc"}, credential{}, true},
		"key without a scheme":    {[]string{"bgs_a_b"}, credential{}, true},
		"two, the same":           {[]string{"Bearer abc", "Bearer abc"}, credential{}, true},
		"two, one of them usable": {[]string{"Bearer abc", "Digest abc"}, credential{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok, err := credentialOf(http.Header{"Authorization": c.header})
			if c.header == nil {
				got, ok, err = credentialOf(http.Header{})
			}
			refusal, _ := errors.AsType[*Refusal](err)
			if got != c.want || ok != (c.want != credential{}) || (refusal != nil) != c.err {
				t.Errorf("got %+v, %v, %v; want %+v", got, ok, err, c.want)
			}
			if refusal != nil && refusal.Reason != Malformed {
				t.Errorf("reason is %s", refusal.Reason)
			}
		})
	}
}

// FuzzParseAuthorization checks that a credential is never empty and is part of the header.
func FuzzParseAuthorization(f *testing.F) {
	for _, value := range []string{"Bearer abc", basic("user:password"), basic("user:"), "basic  ", "Bearer \x00"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		c, ok := parseAuthorization(value)
		switch {
		case ok && c.text == "":
			t.Errorf("%q has an empty credential", value)
		case ok && !c.basic && !strings.Contains(value, c.text):
			t.Errorf("%q has the credential %q", value, c.text)
		case !ok && c != credential{}:
			t.Errorf("%q is refused with %+v", value, c)
		}
	})
}
