package mockup

import (
	"regexp"
	"unicode/utf16"
)

// phoneNumber is a number as E.164 writes it.
var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{4,14}$`)

// smsLimit is how many UTF-16 units a message may have that goes out as SMS.
const smsLimit = 1600

// unitsOf measures as SMS does: in UTF-16 units.
func unitsOf(text string) int { return len(utf16.Encode([]rune(text))) }

// segmentsOf is about how many segments a text makes: ASCII goes as GSM-7, all else
// as UCS-2.
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
