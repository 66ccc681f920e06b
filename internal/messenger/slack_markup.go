package messenger

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// slackMarkupSigns are the characters that Slack's markup begins with.
const slackMarkupSigns = "*~`_>:"

// slackMarked reports whether Slack may take signs of a text for markup: those of bold,
// struck and code wherever they stand, of italics at the edge of a word, of a quotation at
// the beginning of a line, and names of emojis between colons. It is written by hand, as
// every message is looked at: by a regular expression that took a thirtieth of all work.
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

// slackEdge reports whether a neighbour of an underscore, as it was decoded, is no letter
// and no digit, or is none at all.
func slackEdge(r rune, size int) bool {
	return size == 0 || !unicode.IsLetter(r) && !unicode.IsNumber(r)
}

// slackEmojiSign reports whether a character may stand in the name of an emoji.
func slackEmojiSign(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '_' || b == '+' || b == '\'' || b == '-'
}

// slackEmoji reports whether a text of such characters may be the name of an emoji: it has
// a letter, or is one of the few that have none.
func slackEmoji(name string) bool {
	switch name {
	case "+1", "-1", "100", "1234":
		return true
	}
	return strings.ContainsAny(name, "abcdefghijklmnopqrstuvwxyz")
}
