package directory

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A FilePosition is a position in an import file. Its text is formatted on demand: a file has
// hundreds of thousands of positions, and few problems.
type FilePosition struct {
	Line      int    // of the file; 0 if unknown
	List      string // users or groups
	Index     int    // in the list; negative for the list itself
	Name      string // of the user or group
	Address   int    // which of the user's, from 1; 0 for the user
	Messenger string // of the address
}

const (
	// maxProblems is the number of problems that an error lists.
	maxProblems = 50
	// maxProblemBytes bounds the text of all problems: transports truncate longer
	// errors.
	maxProblemBytes = 3800
	// maxReadProblems is the number of problems after which the rest of an import file
	// is not read.
	maxReadProblems = 1000
)

// importProblems collects the problems of an import file.
type importProblems struct {
	first []importProblem
	count int
}

type importProblem struct {
	place FilePosition
	text  string
}

// add records a problem at a position. err begins with the name of the field, and holds
// no secret.
func (ps *importProblems) add(at FilePosition, err error) {
	if ps.count++; len(ps.first) < maxProblems {
		ps.first = append(ps.first, importProblem{at, strings.ReplaceAll(err.Error(), "\n", " ")})
	}
}

// enough reports whether there are so many problems that the rest need not be read.
func (ps *importProblems) enough() bool { return ps.count >= maxReadProblems }

// addf is add with the arguments of fmt.Errorf.
func (ps *importProblems) addf(at FilePosition, format string, args ...any) {
	if len(ps.first) >= maxProblems {
		ps.count++
		return
	}
	ps.add(at, fmt.Errorf(format, args...))
}

// err returns all problems as a fault.ErrInvalid, one line each, in the order of the
// file; nil if there are none.
func (ps *importProblems) err() error {
	if ps.count == 0 {
		return nil
	}
	slices.SortStableFunc(ps.first, func(a, b importProblem) int { return a.place.Line - b.place.Line })
	atLeast := ""
	if ps.enough() {
		atLeast = "at least "
	}
	text := fmt.Sprintf("nothing was imported, problems: %s%d", atLeast, ps.count)
	listed := 0
	for _, p := range ps.first {
		line := "\n" + p.place.String() + ": " + p.text
		if len(text)+len(line) > maxProblemBytes {
			break
		}
		text += line
		listed++
	}
	if more := ps.count - listed; more > 0 {
		text += fmt.Sprintf("\nand %d more", more)
	}
	return fault.WithReason(fault.WithFields(fault.Invalidf("%s", text), ps.fields()), "IMPORT_REFUSED")
}

// fields returns the fields of the listed problems.
func (ps *importProblems) fields() []fault.Field {
	fields := make([]fault.Field, 0, len(ps.first))
	for _, p := range ps.first {
		field := fault.Field{Path: p.place.path(), Problem: p.text}
		if name, problem, ok := strings.Cut(p.text, ": "); ok && !strings.Contains(name, " ") {
			field = fault.Field{Path: field.Path + "." + name, Problem: problem}
		}
		fields = append(fields, field)
	}
	return fields
}

// path returns the field of the request at the position.
func (p FilePosition) path() string {
	at := p.List
	if p.Index >= 0 {
		at += fmt.Sprintf("[%d]", p.Index)
	}
	if p.Address > 0 {
		at += fmt.Sprintf(".addresses[%d]", p.Address-1)
	}
	return at
}

// String returns the position as text.
func (p FilePosition) String() string {
	at := p.path()
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

var errDuplicate = errors.New("duplicate")
