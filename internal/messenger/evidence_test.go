package messenger

import (
	"strings"
	"testing"
)

func TestWithout(t *testing.T) {
	for name, c := range map[string]struct{ secret, excerpt, want string }{
		"plain":              {"T0KEN", "your T0KEN is bad", "your [redacted] is bad"},
		"URL-escaped":        {"a/b c", "token=a%2Fb+c&x a%2Fb%20c", "token=[redacted]&x [redacted]"},
		"JSON's slashes":     {"https://h/x", `{"u":"https:\/\/h\/x"}`, `{"u":"[redacted]"}`},
		"JSON's escapes":     {"a<b", `a\u003cb`, "[redacted]"},
		"HTML":               {"a<b", "a&lt;b", "[redacted]"},
		"JSON in JSON":       {"a/<b", `"{\"u\":\"a\\/\\u003cb\"}"`, `"{\"u\":\"[redacted]\"}"`},
		"URL in a URL":       {"a/b", "a%252fb", "[redacted]"},
		"only its words":     {"a/b", "b and then, much later than that, a", "b and then, much later than that, a"},
		"no word in it":      {"/-/", "x/-/y %2F-%2F", "x[redacted]y %2F-%2F"},
		"no secret":          {"", "anything", "anything"},
		"lines":              {"T", "a\r\nb\tc", "a  b c"},
		"control":            {"T0KEN", "T0\x00KEN", "T0\uFFFDKEN"},
		"bad UTF-8":          {"T0KEN", "a\xffb", "a\uFFFDb"},
		"cut on a character": {"T0KEN", strings.Repeat("봉", 200), strings.Repeat("봉", MaxExcerpt/3)},
		"cut in the secret":  {"T0KEN", strings.Repeat("x", MaxExcerpt-2) + "T0KEN", strings.Repeat("x", MaxExcerpt-2) + "[r"},
	} {
		if got := (Outcome{Kind: Failed, Excerpt: c.excerpt}).without(c.secret).Excerpt; got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestRedactALongSecretOfSigns(t *testing.T) {
	long := "x" + strings.Repeat("/", 253) + "y"
	if got := redact("see "+strings.ReplaceAll(long, "/", "%2F"), long); got != "see [redacted]" {
		t.Errorf("%q", got)
	}
}
