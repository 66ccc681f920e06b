package redact_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/redact"
)

func TestText(t *testing.T) {
	for name, c := range map[string]struct{ secret, text, want string }{
		"plain":                    {"T0KEN-12", "your T0KEN-12 is bad", "your [redacted] is bad"},
		"within a word":            {"T0KEN-12", "xT0KEN-12y", "x[redacted]y"},
		"twice":                    {"T0KEN-12", "T0KEN-12T0KEN-12", "[redacted][redacted]"},
		"lower case":               {"T0KEN-AbC", "t0ken-abc T0KEN-ABC", "[redacted] [redacted]"},
		"URL":                      {"a/b c=d&efg", "token=a%2Fb+c%3Dd%26efg a%2fb%20c%3dd%26efg", "token=[redacted] [redacted]"},
		"URL in a URL":             {"abcd/efgh", "abcd%252fefgh abcd%25252Fefgh", "[redacted] [redacted]"},
		"letters escaped too":      {"abcdefgh", "%61bcd%65fgh \\u0061bcdefg\\x68 &#97;bcdefgh", "[redacted] [redacted] [redacted]"},
		"JSON's slashes":           {"https://h/x", `{"u":"https:\/\/h\/x"}`, `{"u":"[redacted]"}`},
		"JSON's escapes":           {"abcd<efgh", `abcd\u003cefgh`, "[redacted]"},
		"JSON in JSON":             {"abcd/<efgh", `"{\"u\":\"abcd\\/\\u003cefgh\"}"`, `"{\"u\":\"[redacted]\"}"`},
		"HTML":                     {"abcd<&efgh", "abcd&lt;&amp;efgh abcd&#60;&#x26;efgh abcd&amp;lt;&amp;amp;efgh", "[redacted] [redacted] [redacted]"},
		"Hangul":                   {"비밀번호는봉수대", "%EB%B9%84%EB%B0%80번호는봉수대 \\ube44밀번호는봉수대", "[redacted] [redacted]"},
		"beyond 16 bits":           {"abcdefg🔥", `abcdefg\ud83d\udd25 abcdefg%F0%9F%94%A5`, "[redacted] [redacted]"},
		"backslashes":              {`abc\defgh`, `abc\defgh abc\\defgh abc\\\\defgh`, "[redacted] [redacted] [redacted]"},
		"only its words":           {"abcd/efgh", "efgh and then, much later than that, abcd", "efgh and then, much later than that, abcd"},
		"overlapping":              {"abcdabcdab", "abcdabcdabcdab", "[redacted]cdab"},
		"a short word":             {"T0KEN", "your T0KEN, is: \"t0ken\"", "your [redacted], is: \"[redacted]\""},
		"no part of another":       {"pass", "a passing bypass, password", "a passing bypass, password"},
		"a short path":             {"/a", "a bad address of n/a or a/a/b", "a bad address of n/a or a/a/b"},
		"a path":                   {"/a", `POST "/a" failed`, `POST "[redacted]" failed`},
		"one character":            {"a", "a bad address, a. a! (a host)", "a bad address, a. a! (a host)"},
		"one character as a value": {"a", `key=a, "a", sig=a&x=y /a f(a) k%3Da`, `key=[redacted], "[redacted]", sig=[redacted]&x=y /a f([redacted]) k%3D[redacted]`},
		"all of it":                {"a", "a", "[redacted]"},
		"a short one, escaped":     {"a/b", "x=a%2Fb&y x=a%2fb", "x=[redacted]&y x=[redacted]"},
		"signs":                    {"x" + strings.Repeat("/", 253) + "y", "see x" + strings.Repeat("%2F", 253) + "y", "see [redacted]"},
		"none":                     {"", "anything", "anything"},
		"the mark":                 {"redacted", "it is redacted", "it is [redacted]"},
	} {
		if got := redact.Text(c.text, c.secret); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := redact.Text("abcdefghijkl", "abcdefgh", "efghijkl", "ijklmnop"); got != "[redacted]" {
		t.Errorf("several that overlap: %q", got)
	}
}

// TestTextIsBounded verifies that a text that exceeds the budget is redacted as a
// whole, and a long ordinary text is not.
func TestTextIsBounded(t *testing.T) {
	const size = 64 << 10
	if got := redact.Text(strings.Repeat(`\`, size), strings.Repeat(`\`, 200)+"x"); got != redact.Placeholder {
		t.Errorf("%.100q", got)
	}
	long := strings.Repeat("<p>502 bad gateway</p>\n", size/23)
	if got := redact.Text(long, "https://example.com/hook", "key-of-letters", "g"); got != long {
		t.Errorf("%.100q", got)
	}
}

// spell are the encodings in which responses quote a request.
var spell = []func(string) string{
	func(s string) string { return s },
	strings.ToLower,
	strings.ToUpper,
	url.QueryEscape,
	url.PathEscape,
	func(s string) string { return strings.ToLower(url.QueryEscape(s)) },
	func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
	html.EscapeString,
	func(s string) string { return html.EscapeString(html.EscapeString(s)) },
	inJSON,
	func(s string) string { return inJSON(inJSON(s)) },
	func(s string) string { return strings.ReplaceAll(inJSON(s), "/", `\/`) },
	func(s string) string { return inJSON(url.QueryEscape(s)) },
	func(s string) string { return html.EscapeString(inJSON(s)) },
}

func inJSON(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text[1 : len(text)-1])
}

// FuzzText verifies that every encoding of a secret of at least 8 characters is
// redacted.
func FuzzText(f *testing.F) {
	for _, seed := range []struct{ secret, around string }{
		{"xoxb-SECRET/+%&<token>", "bad token: "}, {"비밀번호🔥<&>", "x"}, {`a\\b\"cdefgh`, `\`}, {"%25%25%25%25", "%"}, {"aaaaaaaa", "aaa"}, {"&amp;&amp;", "&"},
	} {
		f.Add(seed.secret, seed.around)
	}
	f.Fuzz(func(t *testing.T, secret, around string) {
		if !utf8.ValidString(secret) || !utf8.ValidString(around) || len(secret) > 200 || len(around) > 200 {
			t.Skip()
		}
		around = strings.ReplaceAll(strings.ToLower(around), strings.ToLower(secret), "")
		if strings.ContainsFunc(secret, func(r rune) bool { return r < ' ' || r == utf8.RuneError || r == 0x7f }) {
			t.Skip()
		}
		if got := redact.Text(around, secret); utf8.RuneCountInString(secret) >= 8 && strings.Contains(strings.ToLower(got), strings.ToLower(secret)) {
			t.Errorf("%q is left in %q", secret, got)
		}
		if utf8.RuneCountInString(secret) < 8 {
			t.Skip()
		}
		for i, as := range spell {
			text := fmt.Sprintf("<%s>%s<%s>", around, as(secret), around)
			got := redact.Text(text, secret)
			if !strings.Contains(got, redact.Placeholder) {
				t.Errorf("spelling %d of %q is left in %q", i, secret, got)
			}
		}
	})
}

// FuzzShort verifies that ordinary words around a short secret are kept.
func FuzzShort(f *testing.F) {
	f.Add("a", "address")
	f.Add("pass", "password")
	f.Add("/x", "n/x")
	f.Fuzz(func(t *testing.T, secret, word string) {
		if secret == "" || len(secret) > 7 || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" || len(word) < 8 {
			t.Skip()
		}
		text := "the " + word + " is not known"
		if got := redact.Text(text, secret); !strings.Contains(got, word) {
			t.Errorf("%q makes %q of %q", secret, got, text)
		}
	})
}
