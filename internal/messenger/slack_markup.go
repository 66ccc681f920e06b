package messenger

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// slackMarkupSigns are the characters that begin Slack markup.
const slackMarkupSigns = "*~`_>:"

// slackMarked reports whether Slack may parse characters of a text as markup: those of
// bold, strike and code anywhere, of italics at the edge of a word, of a quotation at
// the beginning of a line, and emoji names between colons. It scans by hand, because it
// runs on every message: a regular expression took a thirtieth of all CPU time.
func slackMarked(text string) bool {
	for i := strings.IndexAny(text, slackMarkupSigns); i >= 0 && i < len(text); i++ {
		switch text[i] {
		case '*', '~', '`':
			return true
		case '_':
			if slackEdge(utf8.DecodeLastRuneInString(text[:i])) || slackEdge(utf8.DecodeRuneInString(text[i+1:])) {
				return true
			}
		case '>':
			if strings.TrimRight(text[strings.LastIndexByte(text[:i], '\n')+1:i], " \t\f\r") == "" {
				return true
			}
		case ':':
			end := i + 1
			for end < len(text) && slackEmojiSign(text[end]) {
				end++
			}
			if end < len(text) && text[end] == ':' && slackEmoji(text[i+1:end]) {
				return true
			}
		}
	}
	return false
}

// slackEdge reports whether the decoded character next to an underscore is neither a
// letter nor a digit, or is missing.
func slackEdge(r rune, size int) bool {
	return size == 0 || !unicode.IsLetter(r) && !unicode.IsNumber(r)
}

// slackEmojiSign reports whether a character is valid in an emoji name.
func slackEmojiSign(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '_' || b == '+' || b == '\'' || b == '-'
}

// slackEmoji reports whether a text of such characters may be an emoji name: it has a
// letter, or is one of the few without.
func slackEmoji(name string) bool {
	switch name {
	case "+1", "-1", "100", "1234":
		return true
	}
	return strings.ContainsAny(name, "abcdefghijklmnopqrstuvwxyz")
}
