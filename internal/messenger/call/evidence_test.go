package call

import (
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

func TestWithout(t *testing.T) {
	for name, c := range map[string]struct{ secret, excerpt, want string }{
		"plain":              {"T0KEN", "your T0KEN is bad", "your [redacted] is bad"},
		"lines":              {"T", "a\r\nb\tc", "a  b c"},
		"control":            {"T0KEN", "T0\x00KEN", "T0\uFFFDKEN"},
		"bad UTF-8":          {"T0KEN", "a\xffb", "a\uFFFDb"},
		"cut on a character": {"T0KEN", strings.Repeat("봉", 200), strings.Repeat("봉", messenger.MaxExcerpt/3)},
		"cut in the secret":  {"T0KEN-12", strings.Repeat("x", messenger.MaxExcerpt-2) + "T0KEN-12", strings.Repeat("x", messenger.MaxExcerpt-2) + "[r"},
	} {
		if got := Redact((messenger.Outcome{Kind: messenger.Failed, Excerpt: c.excerpt}), c.secret).Excerpt; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
