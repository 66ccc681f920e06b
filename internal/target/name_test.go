package target_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// TestNewNameTakesAnyVisibleCharacters accepts the names of data from the older
// service.
func TestNewNameTakesAnyVisibleCharacters(t *testing.T) {
	for _, name := range []string{
		"a/b@c", "user1", "a b", "a;b", "a,b", "{{.}}", "'; DROP TABLE users;--", "a.", ".a", "-a", "..", "#1", "50%", "a%2Fb", "a\\b", `"a"`,
		"홍길동", "서버/운영", "名前", "Ünal", "Χρήστος", "Владимир", "عمر", "שלום", "देव", "ไทย", "🔥", "❤️", "👍🏽", "葛\U000e0100", "$€", "a  b", "=1+1", "+82 10", "all hands", "ball",
		strings.Repeat("가", target.MaxName), strings.Repeat("🔥", target.MaxName),
	} {
		for what, newName := range map[string]func(string) (string, error){"user": target.NewNickname, "group": target.NewName} {
			if got, err := newName(name); err != nil || got != norm.NFC.String(name) {
				t.Errorf("%s %q: %q, %v", what, name, got, err)
			}
		}
		for _, text := range []string{"@" + name, "@@" + name} {
			got, err := target.Parse(text)
			if err != nil || got.Name != norm.NFC.String(name) || got.String() != norm.NFC.String(text) {
				t.Errorf("target %q: %+v, %v", text, got, err)
			}
		}
	}
}

// TestNewNameIsNFC normalizes names to NFC, and counts their characters in NFC.
func TestNewNameIsNFC(t *testing.T) {
	for _, name := range []string{"홍길동", "é", strings.Repeat("각", target.MaxName), strings.Repeat("ễ", target.MaxName)} {
		decomposed := norm.NFD.String(name)
		if got, err := target.NewNickname(decomposed); err != nil || got != name {
			t.Errorf("%q: %q, %v", decomposed, got, err)
		}
		if got, err := target.Parse("@@" + decomposed); err != nil || got != (target.Target{Kind: target.Group, Name: name}) {
			t.Errorf("%q: %v, %v", decomposed, got, err)
		}
	}
	for _, long := range []string{strings.Repeat("x", 31), strings.Repeat("가", 31), norm.NFD.String(strings.Repeat("각", 31)), strings.Repeat("\u0958", 16), strings.Repeat("x", 1<<20)} {
		if _, err := target.NewName(long); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "at most 30 characters") {
			t.Errorf("%.40q: %v", long, err)
		}
	}
}

// TestNewNameRefusesInvisible rejects invisible characters, with the code point in
// the error.
func TestNewNameRefusesInvisible(t *testing.T) {
	refused := []rune{
		0x3164, 0x115f, 0x1160, 0xffa0, 0x2028, 0x2029, 0xad, 0x34f, 0x61c, 0x17b4, 0x180b, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f,
		0x202a, 0x202e, 0x2060, 0x2064, 0x2066, 0x2069, 0x206f, 0x2800, 0xfe00, 0xfe0f, 0xfeff, 0xfff9, 0xfffc, 0xfffd, 0x16fe4, 0x1bca0, 0x1d159, 0x1d173,
		0xe0001, 0xe0061, 0xe0100, 0xe000, 0xf0000, 0x10fffd, 0x378, 0xfdd0, 0xffff, 0xa0, 0x1680, 0x2003, 0x202f, 0x3000, 0x7f,
	}
	for r := rune(0x80); r < 0xa0; r++ { // C1
		refused = append(refused, r)
	}
	for r := rune(0); r < ' '; r++ {
		refused = append(refused, r)
	}
	for _, r := range refused {
		for _, name := range []string{string(r), "a" + string(r), "a" + string(r) + "b", string(r) + "b"} {
			_, err := target.NewName(name)
			if !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), fmt.Sprintf("%U", r)) {
				t.Errorf("%+q: %v", name, err)
			}
		}
	}
	for name, want := range map[string]string{
		" a": "U+0020", "a ": "U+0020", "\u0301a": "U+0301", "a \u0301": "U+0301", "@a": "@", "\xff": "UTF-8", "": "name is empty",
	} {
		if _, err := target.NewName(name); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+q: %v", name, err)
		}
	}
}

// TestAllIsReserved rejects all as a nickname in any form. Groups have another prefix.
func TestAllIsReserved(t *testing.T) {
	for _, name := range []string{"all", "ALL", "All", "aLL", "ａｌｌ", "ＡＬＬ", "𝐚𝐥𝐥", "ⓐⓛⓛ", "ªll", "a\u200bll", "\u2060all", "all\u3164", "a\u00adl\u034fl", "all\ufe0f", " all", "all\u00a0"} {
		if _, err := target.NewNickname(name); !errors.Is(err, fault.ErrInvalid) || !strings.Contains(err.Error(), "reserved") {
			t.Errorf("%+q: %v", name, err)
		}
	}
	if got, err := target.NewName("all"); err != nil || got != "all" {
		t.Errorf("group all: %q, %v", got, err)
	}
}

// TestOldNamesAreNotified parses names of older versions that are invalid for new
// users.
func TestOldNamesAreNotified(t *testing.T) {
	for _, name := range []string{"a\u3164", "\u3164", "a\u115fb", "a\u034fb", "a\ufe0f", "All"} {
		for text, kind := range map[string]target.Kind{"@" + name: target.User, "@@" + name: target.Group} {
			if got, err := target.Parse(text); err != nil || got != (target.Target{Kind: kind, Name: name}) {
				t.Errorf("%+q: %v, %v", text, got, err)
			}
		}
	}
}

func FuzzNewName(f *testing.F) {
	for _, text := range []string{"a/b@c", "홍길동", "a\u3164", "ＡＬＬ", "@a", " a", "\xff", "❤️"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name, err := target.NewNickname(text)
		if err != nil {
			if !errors.Is(err, fault.ErrInvalid) || name != "" || !utf8.ValidString(err.Error()) {
				t.Errorf("%q: %q, %v", text, name, err)
			}
			return
		}
		if again, err := target.NewNickname(name); err != nil || again != name {
			t.Errorf("%q is stored as %q, and that as %q, %v", text, name, again, err)
		}
		if n := utf8.RuneCountInString(name); n == 0 || n > target.MaxName || strings.TrimSpace(name) != name || strings.ContainsFunc(name, unicode.IsControl) {
			t.Errorf("%q is stored as %q", text, name)
		}
		for _, mark := range []string{"@", "@@"} {
			if got, err := target.Parse(mark + name); err != nil || got.Name != name || got.String() != mark+name {
				t.Errorf("%q: the target %q is %+v, %v", text, mark+name, got, err)
			}
		}
	})
}
