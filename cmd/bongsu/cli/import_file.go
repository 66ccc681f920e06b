package cli

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// An importFile is the parsed content of an import file or an export.
type importFile struct {
	users  []*userv1.TransferUser
	groups []*userv1.TransferGroup
}

// A field is one value of an address, with its name in YAML and CSV.
type field struct {
	name   string
	secret bool
	number bool
	get    func(*userv1.TransferAddress) string
	set    func(*userv1.TransferAddress, string) error
}

// fields are the fields of an address, in the order of output.
var fields = []field{
	{
		name: "messenger",
		get:  (*userv1.TransferAddress).GetMessenger,
		set:  func(a *userv1.TransferAddress, value string) error { a.Messenger = value; return nil },
	},
	{
		name: "destination",
		get:  (*userv1.TransferAddress).GetDestination,
		set:  func(a *userv1.TransferAddress, value string) error { a.Destination = value; return nil },
	},
	{
		name: "rank", number: true,
		get: func(a *userv1.TransferAddress) string {
			if a == nil || a.Rank == nil {
				return ""
			}
			return strconv.Itoa(int(a.GetRank()))
		},
		set: func(a *userv1.TransferAddress, value string) error {
			rank, err := strconv.ParseInt(value, 10, 32)
			if err != nil {
				return errors.New("not a whole number")
			}
			a.Rank = new(int32(rank))
			return nil
		},
	},
	{
		name: "credential", secret: true,
		get: (*userv1.TransferAddress).GetCredential,
		set: func(a *userv1.TransferAddress, value string) error { a.Credential = value; return nil },
	},
	{
		name: "sealed_credential", secret: true,
		get: func(a *userv1.TransferAddress) string {
			return base64.StdEncoding.EncodeToString(a.GetSealedCredential())
		},
		set: func(a *userv1.TransferAddress, value string) (err error) {
			if a.SealedCredential, err = base64.StdEncoding.DecodeString(value); err != nil {
				return errors.New("not base64 as written by bongsu export")
			}
			return nil
		},
	},
}

// fieldOf returns the field with a name.
func fieldOf(name string) (field, bool) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return field{}, false
	}
	return fields[i], true
}

// writeFailover returns the failover of a user as text, or "" if it is not set.
func writeFailover(u *userv1.TransferUser) string {
	if u == nil || u.Failover == nil {
		return ""
	}
	return strconv.FormatBool(u.GetFailover())
}

// readFailover parses the failover of a user. Empty means not set; a repeated value
// must be the same.
func readFailover(u *userv1.TransferUser, value string) error {
	if value == "" {
		return nil
	}
	if value = strings.ToLower(value); value != "true" && value != "false" { // spreadsheets write TRUE
		return errors.New("not true or false")
	}
	if written := writeFailover(u); written != "" && written != value {
		return errors.New("conflicts with another row of the user")
	}
	u.Failover = new(value == "true")
	return nil
}

// formatOf returns the format that the flag sets, or that of the file's extension.
func formatOf(flag, path string) (string, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); {
	case flag != "":
		return flag, nil
	case ext == ".csv":
		return "csv", nil
	case ext == ".yaml", ext == ".yml":
		return "yaml", nil
	}
	return "", usagef("unknown format of %s: use --format=yaml or --format=csv", path)
}

// maxFileProblems is the maximum number of problems that are printed.
const maxFileProblems = 50

// fileProblems are the problems of an import file, each with its line.
type fileProblems struct {
	lines []string
	count int
}

// addf records a problem of a line. The text must quote no secret.
func (ps *fileProblems) addf(line int, format string, args ...any) {
	if ps.count++; len(ps.lines) < maxFileProblems {
		ps.lines = append(ps.lines, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
	}
}

// print prints the problems on stderr and returns the error of the command, or nil if
// there are none.
func (ps *fileProblems) print(con *console) error {
	for _, line := range ps.lines {
		con.warn("%s", line)
	}
	if ps.count > len(ps.lines) {
		con.warn("and %d more", ps.count-len(ps.lines))
	}
	if ps.count == 0 {
		return nil
	}
	return fmt.Errorf("the file has %s, and nothing was imported", count(ps.count, "problem", "problems"))
}
