package messenger

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

func TestSMSSegments(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want int
	}{
		"empty":                        {"", 1},
		"one of GSM":                   {strings.Repeat("a", 160), 1},
		"two of GSM":                   {strings.Repeat("a", 161), 2},
		"full two of GSM":              {strings.Repeat("a", 306), 2},
		"three of GSM":                 {strings.Repeat("a", 307), 3},
		"extension counts twice":       {strings.Repeat("€", 80), 1},
		"extension above one":          {strings.Repeat("€", 81), 2},
		"an escape is not divided":     {strings.Repeat("a", 152) + "€" + strings.Repeat("a", 152), 3},
		"one of Korean":                {strings.Repeat("봉", 70), 1},
		"two of Korean":                {strings.Repeat("봉", 71), 2},
		"full two of Korean":           {strings.Repeat("봉", 134), 2},
		"three of Korean":              {strings.Repeat("봉", 135), 3},
		"one Korean character":         {strings.Repeat("a", 70) + "봉", 2},
		"emoji are pairs":              {strings.Repeat("🔥", 35), 1},
		"a pair is not divided":        {strings.Repeat("🔥", 36), 2},
		"pairs waste a unit a segment": {strings.Repeat("🔥", 67), 3},
		"a tab is not of GSM":          {strings.Repeat("a", 70) + "\t", 2},
	} {
		if got := SMSSegments(c.text); got != c.want {
			t.Errorf("%s: %d segments, want %d", name, got, c.want)
		}
	}
}

func TestSMSIsCut(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		segments int
		want     string // empty: the whole text
	}{
		"Korean fits":               {strings.Repeat("봉", 402), 6, ""},
		"Korean is too long":        {strings.Repeat("봉", 403), 6, strings.Repeat("봉", 401) + "…"},
		"Korean in one":             {strings.Repeat("봉", 71), 1, strings.Repeat("봉", 69) + "…"},
		"GSM fits":                  {strings.Repeat("x", 918), 6, ""},
		"GSM is too long":           {strings.Repeat("x", 919), 6, strings.Repeat("x", 915) + "..."},
		"GSM in one":                {strings.Repeat("x", 161), 1, strings.Repeat("x", 157) + "..."},
		"Korean after the cut":      {strings.Repeat("x", 500) + "봉수", 6, strings.Repeat("x", 500) + "..."},
		"Korean far after the cut":  {strings.Repeat("x", 1000) + "봉수", 6, strings.Repeat("x", 915) + "..."},
		"Korean before the cut":     {"봉" + strings.Repeat("x", 1000), 6, "봉" + strings.Repeat("x", 400) + "…"},
		"a cluster is not divided":  {strings.Repeat("x", 68) + "👩‍👩‍👧" + "x", 1, strings.Repeat("x", 68) + "..."},
		"white space before a mark": {strings.Repeat("봉", 60) + strings.Repeat(" ", 20), 1, strings.Repeat("봉", 60) + "…"},
		"the provider's length":     {strings.Repeat("봉", 1600), 0, ""},
		"above it":                  {strings.Repeat("봉", 1601), 0, strings.Repeat("봉", 1599) + "…"},
		"above it, in GSM":          {strings.Repeat("x", 1601), 0, strings.Repeat("x", 1597) + "..."},
	} {
		got, cut := Message{Text: c.text}.SMS(c.segments)
		if want := c.want; cut != (want != "") || got != want && want != "" || got != c.text && want == "" {
			t.Errorf("%s: cut %v, %d characters: %q, want %d: %q", name, cut, utf8.RuneCountInString(got), got, utf8.RuneCountInString(want), want)
		}
		if n := SMSSegments(got); c.segments > 0 && n > c.segments {
			t.Errorf("%s: %d segments", name, n)
		}
	}
}

// FuzzSMS verifies that a cut text fits, is a prefix of the text with a mark, and is not
// cut within a grapheme cluster.
func FuzzSMS(f *testing.F) {
	f.Add("hello", 1)
	f.Add(strings.Repeat("봉수🔥", 100), 2)
	f.Add(strings.Repeat("[x]€", 200), 3)
	f.Add(strings.Repeat("e\u0301", 200), 1)
	f.Add(strings.Repeat("x", 1000)+"봉", 6)
	f.Fuzz(func(t *testing.T, text string, segments int) {
		segments = 1 + (segments&0xff)%24
		got, cut := Message{Text: text}.SMS(segments)
		if !cut {
			if got != text || SMSSegments(got) > segments || UTF16Len(got) > smsLimit {
				t.Errorf("whole: %d segments of %d: %q", SMSSegments(got), segments, got)
			}
			return
		}
		if SMSSegments(got) > segments || UTF16Len(got) > smsLimit {
			t.Errorf("cut to %d segments of %d: %q", SMSSegments(got), segments, got)
		}
		kept, ok := strings.CutSuffix(got, ucsMark)
		if !ok {
			kept, ok = strings.CutSuffix(got, gsmMark)
		}
		if !ok || !strings.HasPrefix(text, kept) {
			t.Errorf("%q is no part of %q with a mark", got, text)
		}
		if rest := strings.TrimPrefix(text, kept); strings.TrimLeft(rest, " \t\r\n") == rest && uniseg.GraphemeClusterCount(kept)+uniseg.GraphemeClusterCount(rest) != uniseg.GraphemeClusterCount(text) {
			t.Errorf("%q is cut within a cluster", kept)
		}
	})
}
