package auth_test

import (
	"errors"
	"testing"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/fault"
)

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.7":         "10.0.0.7",
		"10.1.2.3/8":       "10.0.0.0/8",
		"10.0.0.7/32":      "10.0.0.7",
		"0.0.0.0/0":        "0.0.0.0/0",
		"::ffff:10.0.0.7":  "10.0.0.7",
		"2001:db8::1":      "2001:db8::1",
		"2001:DB8:0::1/64": "2001:db8::/64",
		"::/0":             "::/0",
		// Not valid.
		"":                   "",
		"10.0.0":             "",
		"10.0.0.0/33":        "",
		"10.0.0.0/-1":        "",
		"10.0.0.0/08":        "",
		"10.0.0.7:80":        "",
		"010.0.0.7":          "",
		"fe80::1%eth0":       "",
		"fe80::1%eth0/64":    "",
		"::ffff:10.0.0.0/96": "",
		"node1":              "",
		" 10.0.0.7":          "",
	} {
		network, err := auth.ParseNetwork(text)
		if want == "" {
			if !errors.Is(err, fault.ErrInvalid) {
				t.Errorf("ParseNetwork(%q): %v, %v", text, network, err)
			}
			continue
		}
		if err != nil || auth.NetworkText(network) != want {
			t.Errorf("ParseNetwork(%q): %v, %v; want %s", text, network, err, want)
		}
	}
}

// FuzzParseNetwork checks that the text of a network is that network.
func FuzzParseNetwork(f *testing.F) {
	f.Add("10.1.2.3/8")
	f.Add("::ffff:10.0.0.7")
	f.Add("fe80::1%eth0")
	f.Fuzz(func(t *testing.T, text string) {
		network, err := auth.ParseNetwork(text)
		if err != nil {
			return
		}
		again, err := auth.ParseNetwork(auth.NetworkText(network))
		if err != nil || again != network || network.Masked() != network {
			t.Errorf("%q is %s, whose text is %s, %v", text, network, again, err)
		}
	})
}
