package discord

import (
	"regexp"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// literalText returns text escaped, so that Discord shows it literally, and cut to
// limit. Discord's limits are in characters of an unspecified kind; UTF-16 units are
// counted, which are never fewer.
func literalText(text string, limit int) (shown string, cut bool) {
	if shown = escape(text); messenger.UTF16Len(shown) <= limit {
		return shown, false
	}
	text, cut = messenger.Truncate(text, limit, escapedLen)
	return escape(text), cut
}

// Discord's Markdown syntax
// (https://discord.com/developers/docs/reference#message-formatting,
// https://support.discord.com/hc/en-us/articles/210298617).
var (
	markdownSign = regexp.MustCompile("[\\\\*_~`|<]")
	labeledLink  = regexp.MustCompile(`(\])(\()`)                // in a link with a label
	lineStart    = regexp.MustCompile(`(?m)^([ \t]*)([#>+-])`)   // of a heading, a quotation or a list
	listNumber   = regexp.MustCompile(`(?m)^([ \t]*[0-9]+)(\.)`) // of a numbered list
	urlPattern   = regexp.MustCompile(`https?://[^\s<>]+`)
)

// escapableSigns are the characters that may be escaped.
const escapableSigns = "\\*_~`|<(#>+-."

// escape escapes Markdown, mentions and timestamps, but not within URLs, where
// Discord treats a backslash as part of the URL.
func escape(text string) string {
	var b strings.Builder
	end := 0
	for _, at := range urlPattern.FindAllStringIndex(text, -1) {
		b.WriteString(escapeWords(text[end:at[0]]))
		b.WriteString(text[at[0]:at[1]])
		end = at[1]
	}
	b.WriteString(escapeWords(text[end:]))
	return b.String()
}

func escapeWords(words string) string {
	words = markdownSign.ReplaceAllString(words, `\$0`)
	for _, pair := range []*regexp.Regexp{labeledLink, lineStart, listNumber} {
		words = pair.ReplaceAllString(words, `$1\$2`)
	}
	return words
}

// escapedLen returns the length of text with every escapable character escaped. It is
// additive over characters, and never less than the length of the escaped text.
func escapedLen(s string) int {
	n := messenger.UTF16Len(s)
	for _, r := range s {
		if strings.ContainsRune(escapableSigns, r) {
			n++
		}
	}
	return n
}
