package messenger

import (
	"regexp"
	"strings"
)

// discordText returns text escaped, so that Discord shows it literally, and cut to
// limit. Discord's limits are in characters of an unspecified kind; UTF-16 units are
// counted, which are never fewer.
func discordText(text string, limit int) (shown string, cut bool) {
	if shown = escapeDiscord(text); utf16Len(shown) <= limit {
		return shown, false
	}
	text, cut = truncate(text, limit, discordSize)
	return escapeDiscord(text), cut
}

// Discord's Markdown syntax
// (https://discord.com/developers/docs/reference#message-formatting,
// https://support.discord.com/hc/en-us/articles/210298617).
var (
	discordSign      = regexp.MustCompile("[\\\\*_~`|<]")
	discordLink      = regexp.MustCompile(`(\])(\()`)                // in a link with a label
	discordLineStart = regexp.MustCompile(`(?m)^([ \t]*)([#>+-])`)   // of a heading, a quotation or a list
	discordNumber    = regexp.MustCompile(`(?m)^([ \t]*[0-9]+)(\.)`) // of a numbered list
	discordURL       = regexp.MustCompile(`https?://[^\s<>]+`)
)

// discordSigns are the characters that may be escaped.
const discordSigns = "\\*_~`|<(#>+-."

// escapeDiscord escapes Markdown, mentions and timestamps, but not within URLs, where
// Discord treats a backslash as part of the URL.
func escapeDiscord(text string) string {
	var b strings.Builder
	end := 0
	for _, at := range discordURL.FindAllStringIndex(text, -1) {
		b.WriteString(escapeDiscordWords(text[end:at[0]]))
		b.WriteString(text[at[0]:at[1]])
		end = at[1]
	}
	b.WriteString(escapeDiscordWords(text[end:]))
	return b.String()
}

func escapeDiscordWords(words string) string {
	words = discordSign.ReplaceAllString(words, `\$0`)
	for _, pair := range []*regexp.Regexp{discordLink, discordLineStart, discordNumber} {
		words = pair.ReplaceAllString(words, `$1\$2`)
	}
	return words
}

// discordSize returns the length of text with every escapable character escaped. It is
// additive over characters, and never less than the length of the escaped text.
func discordSize(s string) int {
	n := utf16Len(s)
	for _, r := range s {
		if strings.ContainsRune(discordSigns, r) {
			n++
		}
	}
	return n
}
