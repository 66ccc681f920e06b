package messenger

import (
	"strings"

	"github.com/rivo/uniseg"
)

// An SMS is sent in segments, and each is billed. A text of the GSM 7-bit alphabet has
// 160 septets in one segment, or 153 in each of several; any other text is UCS-2, with
// 70 UTF-16 units in one segment, or 67 in each of several (3GPP TS 23.038, 6.2.1, and
// TS 23.040, 9.2.3.24.1). A surrogate pair or an escape sequence is never divided.
const (
	gsmAlone, gsmJoined = 160, 153
	ucsAlone, ucsJoined = 70, 67
)

// The GSM 7-bit default alphabet, and its extension, whose characters have two septets
// (3GPP TS 23.038, 6.2.1 and 6.2.1.1).
const (
	gsmAlphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtension = "\f^{}\\[~]|€"
)

// The marks of a cut text. The ellipsis is not in the GSM alphabet: it would turn the text
// into UCS-2, and more than double its segments.
const (
	gsmMark = "..."
	ucsMark = Ellipsis
)

// smsLimit is the length of a message sent as SMS: 1600 characters, with Twilio
// (https://www.twilio.com/docs/messaging/api/message-resource, body) and with Amazon
// SNS (https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-phone.html). That both
// count UTF-16 units, as SMS does, is unverified; no other count is higher.
const smsLimit = 1600

// SMS returns the text of the message as SMS, with at most this number of segments; 0 is
// the maximum length that providers accept. A longer text is cut between two grapheme
// clusters, and a mark appended.
func (m Message) SMS(segments int) (text string, cut bool) {
	text = m.PlainText()
	var whole smsLength
	whole.add(text)
	if whole.fits(segments) {
		return text, false
	}
	var length smsLength
	end, state := 0, -1
	for rest := text; rest != ""; {
		var character string
		character, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		length.add(character)
		marked := length
		marked.add(length.mark())
		if !marked.fits(segments) { // nor does any longer text
			break
		}
		end = len(text) - len(rest)
	}
	text = strings.TrimRight(text[:end], " \t\r\n")
	length = smsLength{}
	length.add(text)
	return text + length.mark(), true
}

// SMSSegments returns the number of segments of a text.
func SMSSegments(text string) int {
	var l smsLength
	l.add(text)
	return l.segments()
}

// An smsLength is the length of a text in both encodings. The zero value is that of an
// empty text.
type smsLength struct {
	units   int // UTF-16 units
	ucs     smsFill
	gsm     smsFill
	ucsOnly bool // the text has a character that the GSM alphabet lacks
}

// An smsFill counts the segments of a text that has several.
type smsFill struct {
	total    int // septets or units
	segments int // full ones
	used     int // of the last segment
}

// add adds one character of a size that must not be divided.
func (f *smsFill) add(size, joined int) {
	f.total += size
	if f.used+size > joined {
		f.segments, f.used = f.segments+1, 0
	}
	f.used += size
}

// count returns the number of segments.
func (f smsFill) count(alone int) int {
	if f.total <= alone {
		return 1
	}
	return f.segments + 1
}

// add appends a text.
func (l *smsLength) add(text string) {
	for _, r := range text {
		units := 1
		if r > 0xFFFF {
			units = 2
		}
		l.units += units
		l.ucs.add(units, ucsJoined)
		switch {
		case strings.ContainsRune(gsmAlphabet, r):
			l.gsm.add(1, gsmJoined)
		case strings.ContainsRune(gsmExtension, r):
			l.gsm.add(2, gsmJoined)
		default:
			l.ucsOnly = true
		}
	}
}

// segments returns the number of segments, at least 1.
func (l smsLength) segments() int {
	if l.ucsOnly {
		return l.ucs.count(ucsAlone)
	}
	return l.gsm.count(gsmAlone)
}

// fits reports whether providers accept the text, with at most this number of segments.
func (l smsLength) fits(segments int) bool {
	return l.units <= smsLimit && (segments == 0 || l.segments() <= segments)
}

// mark returns the mark of a cut text that begins like this one.
func (l smsLength) mark() string {
	if l.ucsOnly {
		return ucsMark
	}
	return gsmMark
}
