package slack

import (
	"regexp"
	"testing"
)

// markupPattern is the reference for hasMarkup, and slower.
var markupPattern = regexp.MustCompile("[*~`]" + `|(^|[^\pL\pN])_|_([^\pL\pN]|$)|(?m:^\s*>)|:([a-z0-9_+'-]*[a-z][a-z0-9_+'-]*|\+1|-1|100|1234):`)

// FuzzSlackMarkup compares hasMarkup with the pattern.
func FuzzSlackMarkup(f *testing.F) {
	for _, text := range []string{
		"", "node1 down", "a * b", "~", "`x`", "_x_", "snake_case", "snake_", "_snake", "é_é", "a_ b", "a_\xff", "\xff_a", "가_나", "²_b",
		"> quote", "a > b", "a\n > b", "a\n\n\t> b", "a\u00a0> b", "x\v>", "\r>", ":+1:", ":-1:", ":100:", ":1234:", ":12:", "10:20:30", ":smile:", ": smile:",
		"a:b_c:d", "::x::", ":a:", ":A:", "12:a1:", ":1:a:", ":a_", "_:a:", ":a'b+c-d:", ":_:", "a:_:b", "::", ":",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := hasMarkup(text), markupPattern.MatchString(text); got != want {
			t.Errorf("%q is marked: %v, want %v", text, got, want)
		}
	})
}
