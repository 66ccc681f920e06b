package call

import (
	"slices"
	"testing"
)

func TestURLSecrets(t *testing.T) {
	for value, want := range map[string][]string{
		"https://h.example/services/T000/B000/abcdefghijklmnopqrst?sig=AB%2BC&v=1": {
			"https://h.example/services/T000/B000/abcdefghijklmnopqrst?sig=AB%2BC&v=1", "h.example/services/T000/B000/abcdefghijklmnopqrst?sig=AB%2BC&v=1",
			"/services/T000/B000/abcdefghijklmnopqrst?sig=AB%2BC&v=1", "abcdefghijklmnopqrst", "AB+C",
		},
		"https://h.example/webhooks/workflows/k3yk3yk3": {
			"https://h.example/webhooks/workflows/k3yk3yk3", "h.example/webhooks/workflows/k3yk3yk3", "/webhooks/workflows/k3yk3yk3", "k3yk3yk3",
		},
		"https://h.example/": {"https://h.example/"},
		"%zz":                {"%zz"},
	} {
		if got := URLSecrets(value); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}
