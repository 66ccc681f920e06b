package group

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// A Place is where something stands in a sheet.
type Place struct {
	Line int    // of the file; 0 where there is none
	Path string // such as users[3].addresses[0]
	Name string // what people know it by, such as user "kim"
}

// maxProblems is how many problems of a sheet are told.
const maxProblems = 50

// problems are what is wrong with a sheet.
type problems struct {
	told  []problem
	count int
}

type problem struct {
	place Place
	text  string
}

// add tells what is wrong at a place. err begins with the field's name, and holds no
// secret.
func (ps *problems) add(at Place, err error) {
	if ps.count++; len(ps.told) < maxProblems {
		text := strings.TrimSuffix(err.Error(), ": "+fault.ErrInvalid.Error())
		ps.told = append(ps.told, problem{at, strings.ReplaceAll(text, "\n", " ")})
	}
}

// addf is add with the words of fmt.Errorf.
func (ps *problems) addf(at Place, format string, args ...any) {
	ps.add(at, fmt.Errorf(format, args...))
}

// err is all problems as a fault.ErrInvalid of a line for each, in the order of the
// sheet; nil where there are none.
func (ps *problems) err() error {
	if ps.count == 0 {
		return nil
	}
	slices.SortStableFunc(ps.told, func(a, b problem) int { return a.place.Line - b.place.Line })
	lines := make([]string, 0, len(ps.told)+2)
	lines = append(lines, fmt.Sprintf("%d of what was sent cannot be imported, and nothing was", ps.count))
	for _, p := range ps.told {
		lines = append(lines, p.place.String()+": "+p.text)
	}
	if more := ps.count - len(ps.told); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return sheetError(strings.Join(lines, "\n"))
}

// String is the place for people.
func (p Place) String() string {
	at := p.Path
	if p.Line > 0 {
		at = fmt.Sprintf("line %d", p.Line)
	}
	if p.Name == "" {
		return at
	}
	return at + ": " + p.Name
}

// A sheetError is a fault.ErrInvalid whose text is made for people.
type sheetError string

// Error is the text.
func (e sheetError) Error() string { return string(e) }

// Unwrap gives fault.ErrInvalid.
func (sheetError) Unwrap() error { return fault.ErrInvalid }

var errTwice = errors.New("it stands here twice")
