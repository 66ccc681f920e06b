package sender

import (
	"fmt"
	"strings"
	"testing"
)

func TestDigestText(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 23 {
		many = append(many, fmt.Sprintf("[normal] db%d down", i))
	}
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"single": {[]string{"[high] db1 down"}, "[high] db1 down"},
		"severities": {
			[]string{"[critical] a", "[high] b", "[critical] c", "[low] d"},
			"4 alerts: 2 critical, 1 high, 1 low\n[critical] a\n[high] b\n[critical] c\n[low] d",
		},
		"resolved": {
			[]string{"[high] a", "[high] resolved: b", "[low] Resolved: c"},
			"3 alerts: 1 high, 2 resolved\n[high] a\n[high] resolved: b\n[low] Resolved: c",
		},
		"many":             {many, "23 alerts: 23 normal\n" + strings.Join(many[:10], "\n") + "\n… and 13 more"},
		"as many as shown": {many[:10], "10 alerts: 10 normal\n" + strings.Join(many[:10], "\n")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := digestText(test.lines); got != test.want {
				t.Errorf("text is %q, want %q", got, test.want)
			}
		})
	}
}
