package mockup

import (
	"regexp"
	"unicode/utf16"
)

// phoneNumber matches a number in E.164.
var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// smsLimit is the length of an SMS, in UTF-16 units.
const smsLimit = 1600

// unitsOf returns the length in UTF-16 units, as SMS counts.
func unitsOf(text string) int { return len(utf16.Encode([]rune(text))) }

// segmentsOf returns the approximate number of segments of a text: ASCII is encoded as
// GSM-7, anything else as UCS-2.
func segmentsOf(text string) int {
	n, alone, joined := unitsOf(text), 160, 153
	if n != len(text) {
		alone, joined = 70, 67
	}
	if n <= alone {
		return 1
	}
	return (n + joined - 1) / joined
}
