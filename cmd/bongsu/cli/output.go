package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A page is the text output of a command. It escapes characters that control a
// terminal.
type page struct {
	buf  bytes.Buffer
	tab  *tabwriter.Writer
	zone *time.Location
}

// show writes a response as JSON, or as the page that draw prints.
func (con *console) show(asJSON bool, response proto.Message, draw func(*page)) error {
	if asJSON {
		return con.showJSON(response)
	}
	return con.draw(draw)
}

// draw writes the page that a function prints.
func (con *console) draw(draw func(*page)) error {
	p := &page{zone: con.Zone}
	p.tab = tabwriter.NewWriter(&p.buf, 0, 0, 2, ' ', 0)
	draw(p)
	_ = p.tab.Flush() // to memory, cannot fail
	_, err := con.Out.Write(p.buf.Bytes())
	return err
}

// showJSON writes a message as one JSON document, including empty fields.
func (con *console) showJSON(response proto.Message) error {
	compact, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(response)
	if err != nil {
		return err
	}
	var doc bytes.Buffer
	if err := json.Indent(&doc, compact, "", "  "); err != nil {
		return err
	}
	doc.WriteByte('\n')
	_, err = con.Out.Write(doc.Bytes())
	return err
}

// say prints a line of text.
func (p *page) say(format string, args ...any) {
	_, _ = fmt.Fprintln(p.tab, escapeTerminal(fmt.Sprintf(format, args...)))
}

// row prints a row of a table. An empty cell is printed as "-".
func (p *page) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		if texts[i] = escapeTerminal(fmt.Sprint(cell)); texts[i] == "" {
			texts[i] = "-"
		}
	}
	_, _ = fmt.Fprintln(p.tab, strings.Join(texts, "\t"))
}

// field prints a name and a value; further lines of the value follow below it.
func (p *page) field(name string, value any) {
	for line := range strings.Lines(fmt.Sprint(value)) {
		_, _ = fmt.Fprintf(p.tab, "%s\t%s\n", name, escapeTerminal(strings.TrimRight(line, "\r\n")))
		name = ""
	}
}

// time returns t in the page's time zone, or "" if t is nil.
func (p *page) time(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().In(p.zone).Format(time.DateTime)
}

// escapeTerminal escapes control and invisible characters in Go syntax. Letters, marks, digits,
// symbols and spaces of all scripts are kept, as are the joiners that some scripts and
// emoji need.
func escapeTerminal(text string) string {
	const nonJoiner, joiner = '\u200c', '\u200d'
	var b strings.Builder
	for i, r := range text {
		switch {
		case r == unicode.ReplacementChar && !strings.HasPrefix(text[i:], string(r)):
			_, _ = fmt.Fprintf(&b, `\x%02x`, text[i])
		case unicode.IsGraphic(r), r == nonJoiner, r == joiner:
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// firstLine returns the first line of text, at most 60 characters.
func firstLine(text string) string {
	const most = 60
	line, _, more := strings.Cut(text, "\n")
	line = strings.TrimRight(line, "\r")
	if runes := []rune(line); len(runes) > most {
		line, more = string(runes[:most]), true
	}
	if more {
		line += "…"
	}
	return line
}

// enumWord returns an enum value in lower case, without the prefix of its enum.
func enumWord(value fmt.Stringer, prefix string) string {
	return strings.ToLower(strings.TrimPrefix(value.String(), prefix))
}

// count returns n with the noun in singular or plural.
func count[N int | int32](n N, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
