package target

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// MaxName is the maximum length of a nickname or group name, in characters (code points
// in NFC).
const MaxName = 30

// maxRawName is the maximum length of a name before normalization: a character is rarely
// encoded as more than three code points, and never in NFC.
const maxRawName = 4 * MaxName

// CanonicalName returns name in Unicode's Normalization Form C, in which names are
// stored and looked up: 가 is the same name whether it was typed as one code point or as
// two.
func CanonicalName(name string) string {
	if isASCII(name) { // is normalized, and norm needs a kilobyte of stack to see it
		return name
	}
	return norm.NFC.String(name)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// NewNickname parses a new nickname like NewName, and rejects the reserved word all in
// any form, because the target @all names every user.
func NewNickname(text string) (string, error) {
	if readsAsAll(text) {
		return "", fault.Invalidf("%q is reserved for the target @all", truncate(text))
	}
	return NewName(text)
}

// NewName returns the canonical form of a new user or group name: at most MaxName
// visible characters, with plain spaces only between them, and no @ at the beginning.
// Any other text is fault.ErrInvalid, and the error names the invalid code point.
func NewName(text string) (string, error) {
	name, err := normalize(text)
	if err == nil {
		err = checkName(name)
	}
	if err != nil {
		return "", fault.Invalidf("%w", err)
	}
	return name, nil
}

// legacyName is the pattern of names that older versions accepted. It allows a few
// invisible characters; users with such a name are still notified.
var legacyName = regexp.MustCompile(`^[\p{L}\p{N}]([\p{L}\p{M}\p{N} _.-]*[\p{L}\p{M}\p{N}_-])?$`)

// storedName returns the canonical form of a name that may be stored, under the present or
// the older rules.
func storedName(text string) (string, error) {
	name, err := normalize(text)
	if err != nil {
		return "", err
	}
	if err := checkName(name); err != nil && !legacyName.MatchString(name) {
		return "", err
	}
	return name, nil
}

// normalize returns the canonical form of a text that is UTF-8 and not too long.
func normalize(text string) (string, error) {
	switch {
	case text == "":
		return "", errors.New("name is empty")
	case !utf8.ValidString(text):
		return "", errors.New("name must be UTF-8")
	case len(text) > maxRawName*utf8.UTFMax:
		return "", fmt.Errorf("name must have at most %d characters", MaxName)
	}
	name := CanonicalName(text)
	if n := utf8.RuneCountInString(name); n > MaxName {
		return "", fmt.Errorf("name must have at most %d characters, not %d", MaxName, n)
	}
	return name, nil
}

// checkName returns an error if a canonical name is invalid for a new user or group.
func checkName(name string) error {
	if strings.HasPrefix(name, "@") {
		return errors.New("name must not begin with @")
	}
	before, n := rune(0), 0
	for _, r := range name {
		n++
		if why := invalidRuneReason(r, before); why != "" {
			return fmt.Errorf("character %d, %U, %s", n, r, why)
		}
		before = r
	}
	if before == ' ' {
		return fmt.Errorf("character %d, U+0020, is trailing white space", n)
	}
	return nil
}

// invalidRuneReason returns the reason why r is invalid in a name after the rune before, which is 0
// if r is the first; empty if r is valid.
func invalidRuneReason(r, before rune) string {
	switch {
	case ' ' < r && r <= '~': // the most frequent characters
		return ""
	case unicode.IsLetter(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point):
		return ""
	case r == ' ' && before == 0:
		return "is leading white space"
	case r == ' ':
		return ""
	case r == unicode.ReplacementChar:
		return "is a replacement character: the text was decoded with the wrong encoding"
	case unicode.Is(unicode.Variation_Selector, r):
		if unicode.In(before, unicode.S, unicode.Han) { // such as an emoji, whose form the selector chooses
			return ""
		}
		return "is invisible"
	case unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, invisibleRunes):
		return "is invisible"
	case unicode.IsControl(r):
		return "is a control character"
	case unicode.In(r, unicode.Z):
		return "is white space other than a plain space"
	case unicode.In(r, unicode.Co):
		return "is a private use character"
	case !unicode.IsGraphic(r):
		return "is an unassigned code point"
	case unicode.In(r, unicode.Mn, unicode.Me) && (before == 0 || before == ' '):
		return "is a combining mark without a base character"
	}
	return ""
}

// invisibleRunes holds invisible characters that Unicode classifies as letters, marks or
// symbols.
var invisibleRunes = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x2800, Hi: 0x2800, Stride: 1}, // Braille pattern blank
		{Lo: 0xfffc, Hi: 0xfffc, Stride: 1}, // object replacement character
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe4, Hi: 0x16fe4, Stride: 1}, // Khitan small script filler
		{Lo: 0x1d159, Hi: 0x1d159, Stride: 1}, // musical symbol null notehead
	},
}

// readsAsAll reports whether text reads as the word all: in other case or width, or with
// invisible characters.
func readsAsAll(text string) bool {
	seen := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || !unicode.IsGraphic(r) || unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, invisibleRunes) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
	return strings.EqualFold(seen, "all")
}
