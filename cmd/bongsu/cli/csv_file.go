package cli

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/internal/target"
)

// The columns that are not fields of an address.
const (
	nicknameColumn = "nickname"
	failoverColumn = "failover"
	groupsColumn   = "groups"
)

// writeCSV writes the directory as CSV: a row for each address, and one for each user
// without addresses. The failover and the groups of a user are in the user's first row.
// Groups without members are in a row without a nickname. Credential columns are left
// out if there are no credentials.
func writeCSV(w io.Writer, s importFile) error {
	var columns []field
	for _, f := range fields {
		used := slices.ContainsFunc(s.users, func(u *userv1.TransferUser) bool {
			return slices.ContainsFunc(u.GetAddresses(), func(a *userv1.TransferAddress) bool { return f.get(a) != "" })
		})
		if used || !f.secret {
			columns = append(columns, f)
		}
	}
	out := csv.NewWriter(w)
	row := func(nickname, failover string, a *userv1.TransferAddress, groups []string) {
		cells := []string{escapeFormula(nickname), failover}
		for _, f := range columns {
			cells = append(cells, escapeFormula(f.get(a)))
		}
		_ = out.Write(append(cells, joinGroups(groups))) // checked by out.Error
	}
	header := []string{nicknameColumn, failoverColumn}
	for _, f := range columns {
		header = append(header, f.name)
	}
	_ = out.Write(append(header, groupsColumn))

	of := map[string][]string{}
	var empty []string
	for _, g := range s.groups {
		for _, m := range g.GetMembers() {
			of[m] = append(of[m], g.GetGroupName())
		}
		if len(g.GetMembers()) == 0 {
			empty = append(empty, g.GetGroupName())
		}
	}
	for _, u := range s.users {
		failover, groups := writeFailover(u), of[u.GetNickName()]
		if len(u.GetAddresses()) == 0 {
			row(u.GetNickName(), failover, nil, groups)
		}
		for _, a := range u.GetAddresses() {
			row(u.GetNickName(), failover, a, groups)
			failover, groups = "", nil
		}
	}
	if len(empty) > 0 {
		row("", "", nil, empty)
	}
	out.Flush()
	return out.Error()
}

// readCSV parses an import file in CSV and returns its problems.
func readCSV(in []byte) (importFile, fileProblems, error) {
	separator, in, skipped := separatorOf(withoutMark(in))
	r := csvReader{
		Reader:  csv.NewReader(bytes.NewReader(in)),
		skipped: skipped,
		users:   map[string]*userv1.TransferUser{},
		groups:  map[string]*userv1.TransferGroup{},
	}
	r.Comma, r.FieldsPerRecord = separator, -1 // rows may omit empty trailing cells
	header, err := r.Read()
	for err == nil && blankRow(header) {
		header, err = r.Read()
	}
	if err != nil {
		return r.file, r.problems, fmt.Errorf("the file has no header such as nickname,messenger,destination,groups: %w", err)
	}
	r.header(header)
	if r.problems.count > 0 { // rows are meaningless without a header
		return r.file, r.problems, nil
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return r.file, r.problems, nil
		}
		if err != nil {
			return r.file, r.problems, fmt.Errorf("invalid CSV: %w", err)
		}
		if blankRow(row) {
			continue
		}
		r.row(r.line(), row)
	}
}

// A csvReader collects the rows of an import file.
type csvReader struct {
	*csv.Reader
	skipped  int      // lines before the input of Reader
	columns  []string // by index; empty for a column without a name
	file     importFile
	problems fileProblems
	users    map[string]*userv1.TransferUser  // by nickname in its canonical form
	groups   map[string]*userv1.TransferGroup // by name in its canonical form
}

// line returns the line number of the last row.
func (r *csvReader) line() int {
	line, _ := r.FieldPos(0)
	return line + r.skipped
}

// header records the column names, ignoring case. A column without a name must be
// empty.
func (r *csvReader) header(names []string) {
	line := r.line()
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		if _, ok := fieldOf(name); !ok && name != "" && name != nicknameColumn && name != failoverColumn && name != groupsColumn {
			r.problems.addf(line, "unknown column %q", firstLine(name))
		}
		if name != "" && slices.Contains(r.columns, name) {
			r.problems.addf(line, "duplicate column %s", name)
		}
		r.columns = append(r.columns, name)
	}
	if !slices.Contains(r.columns, nicknameColumn) {
		r.problems.addf(line, "missing column %s", nicknameColumn)
	}
}

// row records a row.
func (r *csvReader) row(line int, cells []string) {
	a := &userv1.TransferAddress{Line: int32(line)}
	nickname, failover, groups, hasAddress := "", "", "", false
	for i, cell := range cells {
		name := ""
		if i < len(r.columns) {
			name = r.columns[i]
		}
		if name != groupsColumn {
			cell = unescapeFormula(cell)
		}
		switch {
		case name == "":
			if strings.TrimSpace(cell) != "" {
				r.problems.addf(line, "column %d has a value but no name", i+1)
			}
		case name == nicknameColumn:
			nickname = cell
		case name == failoverColumn:
			failover = cell
		case name == groupsColumn:
			groups = cell
		case cell != "":
			hasAddress = true
			f, _ := fieldOf(name)
			if err := f.set(a, cell); err != nil {
				r.problems.addf(line, "%s: %v", name, err)
			}
		}
	}
	switch {
	case nickname == "" && (hasAddress || failover != "" || groups == ""):
		r.problems.addf(line, "missing nickname")
		return
	case nickname != "":
		u := r.users[target.CanonicalName(nickname)]
		if u == nil {
			u = &userv1.TransferUser{NickName: nickname, Line: int32(line)}
			r.users[target.CanonicalName(nickname)] = u
			r.file.users = append(r.file.users, u)
		}
		if err := readFailover(u, failover); err != nil {
			r.problems.addf(line, "failover: %v", err)
		}
		if hasAddress {
			u.Addresses = append(u.Addresses, a)
		}
	}
	if groups == "" {
		return
	}
	for _, name := range splitGroups(groups) {
		r.group(line, name, nickname)
	}
}

// group adds a user to a group. Without a nickname it adds the group without members.
func (r *csvReader) group(line int, name, nickname string) {
	g := r.groups[target.CanonicalName(name)]
	if g == nil {
		g = &userv1.TransferGroup{GroupName: name, Line: int32(line)}
		r.groups[target.CanonicalName(name)] = g
		r.file.groups = append(r.file.groups, g)
	}
	if nickname != "" {
		g.Members = append(g.Members, nickname)
	}
}
