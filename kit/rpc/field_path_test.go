package rpc

import (
	"testing"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
)

func TestFieldPath(t *testing.T) {
	for _, c := range []struct {
		path     string
		elements int
	}{
		{"", 0},
		{"name", 1},
		{"users[3].nick_name", 2},
		{`labels["a.b]"].value`, 2},
		{"Content-Type", 1},
		{"users[x].name", 1}, // no path: one name
		{"users[3]name", 1},
		{"a..b", 1},
		{".a", 1},
		{`labels["a`, 1},
	} {
		elements := fieldPath(c.path)
		if len(elements) != c.elements || pathText(elements) != c.path {
			t.Errorf("%q has %d elements, and is written as %q", c.path, len(elements), pathText(elements))
		}
	}
}

// FuzzFieldPath checks that a path stays valid text, and that the path of its text is the same.
func FuzzFieldPath(f *testing.F) {
	for _, text := range []string{"", "a", "a[0].b", `a["x"].b[18446744073709551615]`, "a[-1]", "a.", `a["\xff"]`, "[", "봉[2].수"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip() // newViolation makes it valid
		}
		written := pathText(fieldPath(text))
		if !utf8.ValidString(written) {
			t.Errorf("%q is written as %q", text, written)
		}
		if again := pathText(fieldPath(written)); again != written {
			t.Errorf("%q is written as %q, and then as %q", text, written, again)
		}
	})
}

func pathText(elements []*validate.FieldPathElement) string {
	return protovalidate.FieldPathString(validate.FieldPath_builder{Elements: elements}.Build())
}
