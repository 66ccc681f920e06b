package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"connectrpc.com/connect"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// importCmd is the command bongsu import.
type importCmd struct {
	client
	Path     string `arg:"" help:"The import file; - reads standard input."`
	Format   string `default:"" enum:",yaml,csv" placeholder:"yaml|csv" help:"The format of the file; by default that of its extension."`
	Encoding string `default:"" enum:",utf-8,utf-16,utf-16le,utf-16be,cp949,euc-kr" placeholder:"NAME" help:"The encoding of the file: utf-8, utf-16, utf-16le, utf-16be, cp949 or euc-kr; by default UTF-8, or UTF-16 if the file begins with its byte order mark."`
	Prune    bool   `help:"Delete users, addresses, groups and memberships that the file does not hold."`
	DryRun   bool   `help:"Print the changes without making them."`
}

// Help returns the long help.
func (importCmd) Help() string {
	return `Applies the file to the directory in one transaction: all of it, or nothing if there is a problem. Importing a file again changes nothing. Nothing is deleted without --prune. Without a credential, rank, failover or quiet_hours in the file the stored one is kept. At most 100,000 users at a time.

YAML:

	users:
	  - nickname: kim
	    failover: true
	    quiet_hours:
	      intervals:
	        - weekdays: [monday:friday]
	          times: [{start_time: "00:00", end_time: "07:00"}]
	        - weekdays: [saturday, sunday]
	      time_zone: Asia/Seoul
	      min_severity: critical
	    addresses:
	      - messenger: slack
	        destination: C024BE91L
	        rank: 0
	        credential: xoxb-…
	groups:
	  - name: oncall
	    members: [kim]

Anchors, aliases and merge keys (<<) are supported. quiet_hours: {} removes the quiet hours of a user. CSV has none.

CSV has a header and a row for each address. failover and groups may be in any row of the user. Groups are separated by semicolons; a semicolon or backslash in a name is escaped by a backslash. A row without a nickname holds groups without members:

	nickname,failover,messenger,destination,rank,credential,groups
	kim,true,slack,C024BE91L,0,xoxb-…,oncall;seoul
	kim,,email,kim@example.com,1,smtps://…,
	lee,,,,,,oncall

The separator of columns is a comma, semicolon or tab, detected in the header. Column names ignore case; blank rows and columns are skipped. In a cell that begins with ' and then = + - @ or ' the first ' is dropped: an export writes it so that spreadsheets do not read a formula.

Examples:

	bongsu import people.yaml --dry-run
	bongsu import people.csv --encoding=cp949
	bongsu import people.csv --prune
	pass show people | bongsu import - --format=yaml`
}

// Run executes bongsu import.
func (c importCmd) Run(ctx context.Context, con *console) error {
	s, err := c.read(con)
	if err != nil {
		return err
	}
	res, err := c.transfers().ImportDirectory(ctx, &userv1.ImportDirectoryRequest{
		Users: s.users, Groups: s.groups, Prune: c.Prune, DryRun: c.DryRun,
	})
	if err != nil {
		return printProblems(con, err)
	}
	return con.show(c.JSON, res, func(p *page) { c.drawImport(p, res) })
}

// read reads and parses the import file.
func (c importCmd) read(con *console) (s importFile, err error) {
	format, err := formatOf(c.Format, c.Path)
	if err != nil {
		return s, err
	}
	in := con.In
	if c.Path != "-" {
		file, err := os.Open(c.Path)
		if err != nil {
			return s, err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	const most = 64 << 20 // twice the limit of the service
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return s, fmt.Errorf("read %s: %w", c.Path, err)
	}
	if len(text) > most {
		return s, usagef("%s is larger than 64 MiB", c.Path)
	}
	if text, err = decodeToUTF8(text, c.Encoding); err != nil {
		return s, err
	}
	read := readYAML
	if format == "csv" {
		read = readCSV
	}
	s, problems, err := read(text)
	if err != nil {
		return s, err
	}
	return s, problems.print(con)
}

// printProblems prints each problem of an import file that the service returned on its
// own line.
func printProblems(con *console, err error) error {
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok || coded.Code() != connect.CodeInvalidArgument {
		return err
	}
	summary, problems, several := strings.Cut(coded.Message(), "\n")
	if !several {
		return err
	}
	for line := range strings.Lines(problems) {
		con.warn("%s", strings.TrimRight(line, "\n"))
	}
	return errors.New(summary)
}

// drawImport prints the result of an import.
func (c importCmd) drawImport(p *page, res *userv1.ImportDirectoryResponse) {
	changed := int32(0)
	p.row("KIND", "CREATED", "CHANGED", "UNCHANGED", "DELETED")
	for _, kind := range []struct {
		name string
		*userv1.ImportCounts
	}{
		{"users", res.GetUsers()}, {"addresses", res.GetAddresses()}, {"groups", res.GetGroups()}, {"members", res.GetMembers()},
	} {
		changed += kind.GetCreatedCount() + kind.GetChangedCount() + kind.GetDeletedCount()
		p.row(kind.name, kind.GetCreatedCount(), kind.GetChangedCount(), kind.GetUnchangedCount(), kind.GetDeletedCount())
	}
	switch {
	case changed == 0:
		p.say("the directory is up to date; nothing was changed")
	case c.DryRun:
		p.say("")
		for _, change := range res.GetChanges() {
			p.say("%s %s", enumWord(change.GetAction(), "IMPORT_ACTION_"), changeSubject(change))
		}
		if len(res.GetChanges()) == maxChanges {
			p.say("and more")
		}
		p.say("this was a dry run; nothing was changed")
	}
}

// maxChanges is the maximum number of changes that the service returns.
const maxChanges = 1000

// changeSubject returns the subject of a change as text.
func changeSubject(c *userv1.ImportChange) string {
	switch {
	case c.GetMessenger() != "":
		return fmt.Sprintf("address of %s by %s", c.GetNickName(), c.GetMessenger())
	case c.GetGroupName() == "":
		return "user " + c.GetNickName()
	case c.GetNickName() == "":
		return "group " + c.GetGroupName()
	}
	return fmt.Sprintf("member %s of %s", c.GetNickName(), c.GetGroupName())
}
