package mockup

import (
	"regexp"
	"strings"
	"unicode/utf16"
)

// phoneNumber matches a number in E.164.
var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// smsLimit is the length of an SMS, in UTF-16 units.
const smsLimit = 1600

// unitsOf returns the length in UTF-16 units, as SMS counts.
func unitsOf(text string) int { return len(utf16.Encode([]rune(text))) }

// The characters of the GSM alphabet (3GPP TS 23.038) besides the letters and digits of
// ASCII, with one septet and with two.
const (
	gsmOneSeptet  = "\n\r !\"#$%&'()*+,-./:;<=>?@_£¥§¿¡¤ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùüΔΦΓΛΩΠΨΣΘΞ"
	gsmTwoSeptets = "\f[\\]^{|}~€"
)

// septetsOf returns the septets of each character of a text, or false if one is not in
// the GSM alphabet.
func septetsOf(text string) (sizes []int, ok bool) {
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune(gsmOneSeptet, r):
			sizes = append(sizes, 1)
		case strings.ContainsRune(gsmTwoSeptets, r):
			sizes = append(sizes, 2)
		default:
			return nil, false
		}
	}
	return sizes, true
}

// segmentsOf returns the number of segments of a text: in the GSM alphabet, or else in
// UCS-2. No character is divided.
func segmentsOf(text string) int {
	alone, joined := 160, 153
	sizes, ok := septetsOf(text)
	if !ok {
		alone, joined, sizes = 70, 67, nil
		for _, r := range text {
			sizes = append(sizes, utf16.RuneLen(r))
		}
	}
	total, segments, left := 0, 1, joined
	for _, size := range sizes {
		total += size
		if size > left {
			segments, left = segments+1, joined
		}
		left -= size
	}
	if total <= alone {
		return 1
	}
	return segments
}
