package target_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]target.Target{
		"@user1":                      {Kind: target.User, Name: "user1"},
		"@@test-team1":                {Kind: target.Group, Name: "test-team1"},
		"@all":                        {Kind: target.All},
		"@@all":                       {Kind: target.Group, Name: "all"},
		"@All":                        {Kind: target.User, Name: "All"},
		"@홍길동":                        {Kind: target.User, Name: "홍길동"},
		"@@DB team":                   {Kind: target.Group, Name: "DB team"},
		"@a/b@c":                      {Kind: target.User, Name: "a/b@c"},
		"@@a/b@c":                     {Kind: target.Group, Name: "a/b@c"},
		"@a_b.c-d":                    {Kind: target.User, Name: "a_b.c-d"},
		"@" + strings.Repeat("가", 30): {Kind: target.User, Name: strings.Repeat("가", 30)},
	} {
		got, err := target.Parse(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "@", "@@", "@@@", "user1", "all", " @user1", "@user1 ", "@ user1", "@@@team", "@a\nb",
		"@\u202ea", "@a\u200bb", "@a\u2028", "@a\u0085", "@\xff", "@a\x00", "@" + strings.Repeat("x", 31),
	} {
		if got, err := target.Parse(text); !errors.Is(err, fault.ErrInvalid) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestParseAllNamesTheFirstThatIsWrong(t *testing.T) {
	_, err := target.ParseAll([]string{"@user1", "user2", "user3"})
	if err == nil || !strings.Contains(err.Error(), `"user2"`) {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"@user1", "@@test-team1", "@all", "@@all", "", "@", "@@@", "@홍길동", "@a b", "@\xff", "@a\x00b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := target.Parse(text)
		if err != nil {
			if !errors.Is(err, fault.ErrInvalid) || got != (target.Target{}) {
				t.Errorf("%q: %v, %v", text, got, err)
			}
			if message := err.Error(); !utf8.ValidString(message) || len(message) > 1000 || strings.ContainsAny(message, "\n\x00") {
				t.Errorf("%q: error is unfit for a caller: %q", text, message)
			}
			return
		}
		if got.String() != target.CanonicalName(text) {
			t.Errorf("%q is parsed as %q", text, got)
		}
		if n := utf8.RuneCountInString(got.Name); n > target.MaxName || (n == 0) != (got.Kind == target.All) {
			t.Errorf("%q has the name %q", text, got.Name)
		}
	})
}

// BenchmarkParse parses a target, which happens twice for each target of an alert.
func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{"ASCII": "@@test-team1", "Hangul": "@홍길동", "emoji": "@🔥 ops"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := target.Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
