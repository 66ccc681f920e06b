package auth_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/auth"
)

func TestCallerHeader(t *testing.T) {
	for name, c := range map[string]auth.Caller{
		"none":     {},
		"a key":    {ID: "k1", Name: "deploy", Roles: []string{"sender", "viewer"}},
		"a person": {ID: "https://issuer.example|7", Name: "김 \"봉수\"\r\nX: y", Roles: []string{"user"}, Nickname: "kim"},
	} {
		value := auth.EncodeCaller(c)
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%s: %q cannot be sent in a header", name, value)
		}
		if got, err := auth.DecodeCaller(value); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for _, bad := range []string{"", "{}", "e30=", "W10", "!!", strings.Repeat("A", 17<<10)} {
		if got, err := auth.DecodeCaller(bad); err == nil {
			t.Errorf("%.20q: %+v", bad, got)
		}
	}
}

func FuzzDecodeCaller(f *testing.F) {
	f.Add(auth.EncodeCaller(auth.Caller{ID: "k1", Name: "deploy", Roles: []string{"sender"}, Nickname: "kim"}))
	f.Add("e30")
	f.Add("bnVsbA")
	f.Fuzz(func(t *testing.T, value string) {
		c, err := auth.DecodeCaller(value)
		if err != nil {
			return
		}
		again, err := auth.DecodeCaller(auth.EncodeCaller(c))
		if err != nil || again.ID != c.ID || again.Name != c.Name || again.Nickname != c.Nickname || len(again.Roles) != len(c.Roles) {
			t.Errorf("%+v became %+v, %v", c, again, err)
		}
	})
}
