package target

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// MaxName is how many characters (code points in NFC) a nickname or group name has at
// most.
const MaxName = 30

// maxName bounds a name before it is normalized: a character of a name is rarely written
// with more than three code points, and never kept so.
const maxName = 4 * MaxName

// CanonicalName returns name in Unicode's Normalization Form C, in which the directory
// keeps names and looks them up: 가 is the same name whether it was typed as one code
// point or as two.
func CanonicalName(name string) string { return norm.NFC.String(name) }

// NewNickname returns the nickname that a user may be given for text: NewName, and not
// the word all in any form, which every user answers to.
func NewNickname(text string) (string, error) {
	if meansAll(text) {
		return "", fmt.Errorf("%q is reserved: the target @all is every user: %w", cut(text), fault.ErrInvalid)
	}
	return NewName(text)
}

// NewName returns the canonical form of a name that a user or a group may be given: at
// most MaxName visible characters, with plain spaces only between them, of which the
// first is not @. Any other text is fault.ErrInvalid, and the error names the code point
// that is wrong.
func NewName(text string) (string, error) {
	name, err := canonical(text)
	if err == nil {
		err = checkName(name)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", err, fault.ErrInvalid)
	}
	return name, nil
}

// oldName is the form that names had before any visible characters were taken. It takes
// a few that nobody can see, and who bears such a name is still notified.
var oldName = regexp.MustCompile(`^[\p{L}\p{N}]([\p{L}\p{M}\p{N} _.-]*[\p{L}\p{M}\p{N}_-])?$`)

// anyName returns the canonical form of a name that somebody may bear, given today or
// before.
func anyName(text string) (string, error) {
	name, err := canonical(text)
	if err != nil {
		return "", err
	}
	if err := checkName(name); err != nil && !oldName.MatchString(name) {
		return "", err
	}
	return name, nil
}

// canonical returns the canonical form of a text that is UTF-8 and not too long.
func canonical(text string) (string, error) {
	switch {
	case text == "":
		return "", errors.New("a name must be given")
	case !utf8.ValidString(text):
		return "", errors.New("a name must be UTF-8")
	case len(text) > maxName*utf8.UTFMax:
		return "", fmt.Errorf("a name has at most %d characters", MaxName)
	}
	name := CanonicalName(text)
	if n := utf8.RuneCountInString(name); n > MaxName {
		return "", fmt.Errorf("a name has at most %d characters, not %d", MaxName, n)
	}
	return name, nil
}

// checkName returns why no new user or group may have a canonical name, or nil.
func checkName(name string) error {
	if strings.HasPrefix(name, "@") {
		return errors.New("a name must not begin with @, which is the mark of targets")
	}
	before, n := rune(0), 0
	for _, r := range name {
		n++
		if why := unfit(r, before); why != "" {
			return fmt.Errorf("character %d, %U, %s", n, r, why)
		}
		before = r
	}
	if before == ' ' {
		return fmt.Errorf("character %d, U+0020, is white space at the end", n)
	}
	return nil
}

// unfit returns why r may not stand in a name after the rune before, which is 0 where r
// is the first; empty where it may.
func unfit(r, before rune) string {
	switch {
	case ' ' < r && r <= '~': // most
		return ""
	case unicode.IsLetter(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point):
		return ""
	case r == ' ' && before == 0:
		return "is white space at the beginning"
	case r == ' ':
		return ""
	case r == unicode.ReplacementChar:
		return "stands where a character was lost: the text was read in a wrong encoding"
	case unicode.Is(unicode.Variation_Selector, r):
		if unicode.In(before, unicode.S, unicode.Han) { // such as an emoji, whose form it chooses
			return ""
		}
		return "is not visible"
	case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, blank):
		return "is not visible"
	case unicode.IsControl(r):
		return "is a control character"
	case unicode.In(r, unicode.Z):
		return "is white space other than a plain space"
	case unicode.In(r, unicode.Co):
		return "is for private use"
	case !unicode.IsGraphic(r):
		return "is not assigned"
	case unicode.In(r, unicode.Mn, unicode.Me) && (before == 0 || before == ' '):
		return "is a mark without a letter before it"
	}
	return ""
}

// blank holds characters that count as letters, marks or symbols, and show nothing.
var blank = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x2800, Hi: 0x2800, Stride: 1}, // Braille pattern blank
		{Lo: 0xfffc, Hi: 0xfffc, Stride: 1}, // object replacement character
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe4, Hi: 0x16fe4, Stride: 1}, // Khitan small script filler
		{Lo: 0x1d159, Hi: 0x1d159, Stride: 1}, // musical symbol null notehead
	},
}

// meansAll reports whether a person would read text as the word all: in other case or
// width, or with characters that nobody sees.
func meansAll(text string) bool {
	seen := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, blank) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	return strings.EqualFold(seen, "all")
}
