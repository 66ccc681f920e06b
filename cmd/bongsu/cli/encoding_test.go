package cli

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/unicode"
)

// TestEncodings checks that a file in another encoding is decoded if the flag or a byte
// order mark names it, and that otherwise the error names the likely encoding.
func TestEncodings(t *testing.T) {
	const text = "nickname,groups\n홍길동,서울;운영\n뷁,똠방각하\n" // some syllables are not in plain EUC-KR
	in := func(e encoding.Encoding) string {
		t.Helper()
		out, err := e.NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	le, be := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	cp949 := in(korean.EUCKR)
	for name, c := range map[string]struct{ encoding, text string }{
		"UTF-8":                           {"", text},
		"UTF-8 with a mark":               {"", "\ufeff" + text},
		"UTF-8, named":                    {"utf-8", "\ufeff" + text},
		"UTF-16 with a mark":              {"", in(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))},
		"UTF-16, big, with a mark":        {"", in(unicode.UTF16(unicode.BigEndian, unicode.UseBOM))},
		"UTF-16, named":                   {"utf-16", in(unicode.UTF16(unicode.BigEndian, unicode.UseBOM))},
		"UTF-16, little, named":           {"utf-16le", in(le)},
		"UTF-16, big, named":              {"utf-16be", in(be)},
		"UTF-16, little, named, and mark": {"utf-16le", in(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))},
		"CP949":                           {"cp949", cp949},
		"EUC-KR":                          {"euc-kr", cp949},
	} {
		got, err := decodeToUTF8([]byte(c.text), c.encoding)
		if err != nil || string(got) != text {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, c := range map[string]struct{ encoding, text, want string }{
		"CP949":                 {"", cp949, "line 2: the file is not UTF-8; it looks like CP949 (EUC-KR): use --encoding=cp949"},
		"CP949 as UTF-8":        {"utf-8", cp949, "looks like CP949"},
		"UTF-16 little":         {"", in(le), "looks like UTF-16 (little endian) without a byte order mark: use --encoding=utf-16le"},
		"UTF-16 big":            {"", in(be), "looks like UTF-16 (big endian) without a byte order mark: use --encoding=utf-16be"},
		"Latin 1":               {"", "a\nb\ns3cret\xe9\n", "line 3: the file is not UTF-8, UTF-16 or CP949"},
		"UTF-8 as CP949":        {"cp949", "nickname\ns3cret 홍길동❤\n", "the file is not CP949: line 2 has"},
		"half of UTF-16":        {"", in(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)) + "x", "the file is not UTF-16: it has an odd number of bytes"},
		"half a pair of UTF-16": {"utf-16le", "a\x00\x00\xd8b\x00", "the file is not UTF-16LE: line 1 has"},
	} {
		_, err := decodeToUTF8([]byte(c.text), c.encoding)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzToUTF8(f *testing.F) {
	f.Add([]byte("\xff\xfea\x00"), "")
	f.Add([]byte("a\x00b\x00c\x00d\x00"), "utf-16")
	f.Add([]byte{0xb0, 0xa1}, "cp949")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		if encodings[name] == nil {
			name = ""
		}
		if got, err := decodeToUTF8(text, name); err == nil && strings.ToValidUTF8(string(got), "?") != string(got) {
			t.Errorf("%q as %q becomes %q", text, name, got)
		}
	})
}
