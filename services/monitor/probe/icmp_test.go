package probe

import (
	"strings"
	"testing"
)

// TestICMP sends echo requests to this machine, which answers where it permits them; otherwise the
// message says how to permit them.
func TestICMP(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "localhost"} {
		f := run(t, private(), &ICMP{Host: host, Count: 2})
		switch {
		case f.Outcome == Unknown && strings.Contains(f.Message, "ping_group_range"):
		case f.Outcome == Passed && strings.HasPrefix(f.Message, "2 of 2 echo requests were answered") && f.HasValue && f.Value > 0:
		default:
			t.Errorf("%s: %+v", host, f)
		}
	}
}

func TestICMPRefused(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "localhost", "::1", "10.0.0.1", "169.254.169.254"} {
		want(t, run(t, New(Env{}), &ICMP{Host: host}), Failed, "refused: the address")
	}
	want(t, run(t, private(), &ICMP{Host: "169.254.169.254"}), Failed, "refused: the address")
	want(t, run(t, private(), &ICMP{Host: "host.invalid"}), Failed, "lookup host.invalid")
}
