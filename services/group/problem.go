package group

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// A Place is where something stands in a sheet. Its text is made where it is needed:
// a sheet has hundreds of thousands of places, and few problems.
type Place struct {
	Line      int    // of the file; 0 where there is none
	List      string // users or groups
	Index     int    // in the list; below 0 where the list itself is meant
	Name      string // of the user or group
	Address   int    // which of the user's, from 1; 0 where the user is meant
	Messenger string // of the address
}

const (
	// maxProblems is how many problems of a sheet are told.
	maxProblems = 50
	// maxProblemBytes bounds the text of all problems: a transport cuts longer errors.
	maxProblemBytes = 3800
	// enoughProblems is how many problems are counted before the rest of a sheet is left
	// unread.
	enoughProblems = 1000
)

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

// enough reports whether so much is wrong that the rest need not be read.
func (ps *problems) enough() bool { return ps.count >= enoughProblems }

// addf is add with the words of fmt.Errorf.
func (ps *problems) addf(at Place, format string, args ...any) {
	if len(ps.told) >= maxProblems {
		ps.count++
		return
	}
	ps.add(at, fmt.Errorf(format, args...))
}

// err is all problems as a fault.ErrInvalid of a line for each, in the order of the
// sheet; nil where there are none.
func (ps *problems) err() error {
	if ps.count == 0 {
		return nil
	}
	slices.SortStableFunc(ps.told, func(a, b problem) int { return a.place.Line - b.place.Line })
	atLeast := ""
	if ps.enough() {
		atLeast = "at least "
	}
	text := fmt.Sprintf("%s%d of what was sent cannot be imported, and nothing was", atLeast, ps.count)
	told := 0
	for _, p := range ps.told {
		line := "\n" + p.place.String() + ": " + p.text
		if len(text)+len(line) > maxProblemBytes {
			break
		}
		text += line
		told++
	}
	if more := ps.count - told; more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return sheetError(text)
}

// String is the place for people.
func (p Place) String() string {
	at := p.List
	if p.Index >= 0 {
		at += fmt.Sprintf("[%d]", p.Index)
	}
	if p.Address > 0 {
		at += fmt.Sprintf(".addresses[%d]", p.Address-1)
	}
	if p.Line > 0 {
		at = fmt.Sprintf("line %d", p.Line)
	}
	if p.Index < 0 {
		return at
	}
	at += fmt.Sprintf(": %s %.60q", strings.TrimSuffix(p.List, "s"), p.Name)
	if p.Address > 0 {
		at += fmt.Sprintf(", address by %.60q", p.Messenger)
	}
	return at
}

// A sheetError is a fault.ErrInvalid whose text is made for people.
type sheetError string

// Error is the text.
func (e sheetError) Error() string { return string(e) }

// Unwrap gives fault.ErrInvalid.
func (sheetError) Unwrap() error { return fault.ErrInvalid }

var errTwice = errors.New("it stands here twice")
