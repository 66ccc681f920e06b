package probe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// maxInstructions is the maximum length of a compiled pattern. The time of a match is
// proportional to it.
const maxInstructions = 2000

// checkPattern returns an error unless the text is empty or a pattern that is not too large.
func checkPattern(text string) error {
	if text == "" {
		return nil
	}
	_, err := compile(text)
	return err
}

// A pattern is a regular expression (RE2).
type pattern struct {
	re           *regexp.Regexp
	instructions int
}

// compile returns the pattern of a text. Its error does not quote more than the invalid part.
func compile(text string) (pattern, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return pattern{}, err
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return pattern{}, err
	}
	if len(program.Inst) > maxInstructions {
		return pattern{}, errors.New("pattern is too large: use fewer or smaller repetitions")
	}
	re, err := regexp.Compile(text)
	return pattern{re, len(program.Inst)}, err
}

// maxDirectWork is the product of the instructions of a pattern and the bytes of a text up to which a
// match is not interrupted: it takes some milliseconds.
const maxDirectWork = 1 << 22

// matches reports whether the pattern matches a text. It returns the error of ctx if that ends
// before.
func (p pattern) matches(ctx context.Context, text []byte) (bool, error) {
	if p.instructions*len(text) <= maxDirectWork {
		return p.re.Match(text), nil
	}
	ok := p.re.MatchReader(&runes{ctx: ctx, Reader: bytes.NewReader(text)})
	return ok, ctx.Err()
}

// runes reads the characters of a text until ctx ends.
type runes struct {
	*bytes.Reader

	ctx  context.Context //nolint:containedctx // a reader has no parameter for it
	read int
}

// ReadRune returns io.EOF at the end of the text or of the context.
func (r *runes) ReadRune() (rune, int, error) {
	if r.read++; r.read%64 == 0 && r.ctx.Err() != nil {
		return utf8.RuneError, 0, io.EOF
	}
	return r.Reader.ReadRune()
}
