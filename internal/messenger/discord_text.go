package messenger

import (
	"regexp"
	"strings"
)

// discordText is text that Discord shows as it is, cut to a limit. Discord counts
// characters without saying of what kind, so UTF-16 units are counted, which are never
// fewer.
func discordText(text string, limit int) (shown string, cut bool) {
	if shown = escapeDiscord(text); unitsOf(shown) <= limit {
		return shown, false
	}
	text, cut = fit(text, limit, discordSize)
	return escapeDiscord(text), cut
}

// What Discord's Markdown gives a meaning
// (https://discord.com/developers/docs/reference#message-formatting,
// https://support.discord.com/hc/en-us/articles/210298617).
var (
	discordSign      = regexp.MustCompile("[\\\\*_~`|<]")
	discordLink      = regexp.MustCompile(`(\])(\()`)                // within a link with a label
	discordLineStart = regexp.MustCompile(`(?m)^([ \t]*)([#>+-])`)   // of a heading, a quotation or a list
	discordNumber    = regexp.MustCompile(`(?m)^([ \t]*[0-9]+)(\.)`) // of a list
	discordURL       = regexp.MustCompile(`https?://[^\s<>]+`)
)

// discordSigns are the characters that may get an escape.
const discordSigns = "\\*_~`|<(#>+-."

// escapeDiscord escapes what would be taken for Markdown, a mention or a time, but
// leaves URLs alone: Discord takes a backslash there for a part of it.
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

// discordSize measures text as if all that may need an escape did: it adds up over
// characters, and is never less than what comes of them.
func discordSize(s string) int {
	n := unitsOf(s)
	for _, r := range s {
		if strings.ContainsRune(discordSigns, r) {
			n++
		}
	}
	return n
}
