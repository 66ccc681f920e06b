package cli

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// TestCSVOfSpreadsheets checks that the variants of CSV that spreadsheets write are
// read alike.
func TestCSVOfSpreadsheets(t *testing.T) {
	want := &userv1.ExportDirectoryResponse{
		Users: []*userv1.TransferUser{
			{NickName: "kim", Failover: new(true), Addresses: []*userv1.TransferAddress{{Messenger: "slack", Destination: "C1", Rank: new(int32(0))}}},
			{NickName: "lee"},
		},
		Groups: []*userv1.TransferGroup{{GroupName: "oncall", Members: []string{"kim", "lee"}}, {GroupName: "seoul", Members: []string{"kim"}}},
	}
	for name, text := range map[string]string{
		"commas":                    "nickname,failover,messenger,destination,rank,groups\nkim,true,slack,C1,0,oncall;seoul\nlee,,,,,oncall\n",
		"semicolons":                "nickname;failover;messenger;destination;rank;groups\nkim;TRUE;slack;C1;0;\"oncall;seoul\"\nlee;;;;;oncall\n",
		"tabs":                      "nickname\tfailover\tmessenger\tdestination\trank\tgroups\nkim\ttrue\tslack\tC1\t0\toncall;seoul\nlee\t\t\t\t\toncall\n",
		"a line that says so":       "sep=;\r\nnickname;failover;messenger;destination;rank;groups\r\nkim;true;slack;C1;0;\"oncall; seoul\"\r\nlee;;;;;oncall\r\n",
		"a byte order mark":         "\ufeffnickname,failover,messenger,destination,rank,groups\nkim,true,slack,C1,0,oncall;seoul\nlee,,,,,oncall\n",
		"a header in capitals":      " NickName ,FAILOVER,Messenger,Destination,Rank,GROUPS\nkim,true,slack,C1,0,oncall;seoul\nlee,,,,,oncall\n",
		"blank rows":                "\n,,,,,\nnickname,failover,messenger,destination,rank,groups\n\n,,,,,\nkim,true,slack,C1,0,oncall;seoul\n , ,,,,\nlee,,,,,oncall\n,,,,,\n",
		"blank columns":             ",nickname,failover,,messenger,destination,rank,groups,,\n,kim,true,,slack,C1,0,oncall;seoul,,\n,lee,,,,,,oncall,,\n",
		"cells left out at the end": "nickname,groups,failover,messenger,destination,rank\nkim,oncall;seoul,true,slack,C1,0\nlee,oncall\n",
		"quotes":                    "\"nickname\",\"failover\",\"messenger\",\"destination\",\"rank\",\"groups\"\n\"kim\",\"true\",\"slack\",\"C1\",\"0\",\"oncall;seoul\"\n\"lee\",,,,,\"oncall\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, problems, err := readCSV([]byte(text))
			if err != nil || problems.count > 0 {
				t.Fatalf("%v %q", err, problems.lines)
			}
			if got := plain(s); !proto.Equal(got, want) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestLinesOfCSV checks that problems name the line in the file, including skipped
// lines.
func TestLinesOfCSV(t *testing.T) {
	_, problems, err := readCSV([]byte("sep=;\n\nnickname;rank\n;;\nkim;x\n"))
	if err != nil || len(problems.lines) != 1 || !strings.HasPrefix(problems.lines[0], "line 5: rank") {
		t.Errorf("%v %q", err, problems.lines)
	}
}

// TestNoFormulaInCSV checks that a spreadsheet reads no cell of an export, and no group
// in one, as a formula, and that an import decodes the cells.
func TestNoFormulaInCSV(t *testing.T) {
	formulas := []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠x", "=HYPERLINK(\"http://x\";\"y\")", "'=1", "''", "'x", "a;=1", "a\t=1", "a,=1", `\;=1`}
	s := importFile{}
	for i, f := range formulas {
		s.users = append(s.users, &userv1.TransferUser{NickName: f, Addresses: []*userv1.TransferAddress{{Messenger: "slack", Destination: f, Credential: formulas[len(formulas)-1-i]}}})
		if f[0] != '\t' && f[0] != '\r' { // white space around a group name is trimmed
			s.groups = append(s.groups, &userv1.TransferGroup{GroupName: f, Members: formulas})
		}
	}
	var out bytes.Buffer
	if err := writeCSV(&out, s); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			parts := []string{cell}
			if cell == row[len(row)-1] { // a group cell may be split at its separator
				parts = strings.Split(strings.ReplaceAll(cell, `\;`, ""), ";")
			}
			for _, part := range parts {
				if first, _ := utf8.DecodeRuneInString(part); part != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", first) {
					t.Errorf("a cell is %q", part)
				}
			}
		}
	}
	got, problems, err := readCSV(out.Bytes())
	if err != nil || problems.count > 0 {
		t.Fatalf("%v %q", err, problems.lines)
	}
	if want, got := plain(s), plain(got); !proto.Equal(want, got) {
		t.Errorf("wrote %v\nread  %v\n%s", want, got, &out)
	}
}

// TestTypedCells checks cells as people type them.
func TestTypedCells(t *testing.T) {
	for cell, want := range map[string]string{"'kim": "'kim", "kim": "kim", "'": "'", "": "", "=1": "=1", "-1001": "-1001", "'-1001": "-1001", "'+8210": "+8210", "''x": "'x"} {
		if got := unescapeFormula(cell); got != want {
			t.Errorf("%q is %q, want %q", cell, got, want)
		}
	}
	for cell, want := range map[string]string{"a;b": "a|b", " a ; b ": "a|b", `a\;b`: "a;b", `a\\;b`: `a\|b`, `a\b`: `a\b`, `a\`: `a\`, ";;": "", "": "", "'=a;b": "=a|b"} {
		if got := strings.Join(splitGroups(cell), "|"); got != want {
			t.Errorf("%q is %q, want %q", cell, got, want)
		}
	}
}

func FuzzGroupsCell(f *testing.F) {
	f.Add("a;b", `c\`)
	f.Fuzz(func(t *testing.T, a, b string) {
		names := []string{strings.TrimSpace(a), strings.TrimSpace(b)}
		if names[0] == "" || names[1] == "" || strings.ToValidUTF8(a+b, "") != a+b {
			t.Skip()
		}
		if got := splitGroups(joinGroups(names)); len(got) != 2 || got[0] != names[0] || got[1] != names[1] {
			t.Errorf("%q is read as %q", names, got)
		}
	})
}

// TestNamesOfCSVInTwoForms checks that rows whose nicknames differ only in Unicode
// normalization belong to one user.
func TestNamesOfCSVInTwoForms(t *testing.T) {
	s, problems, err := readCSV([]byte("nickname,messenger,groups\n\u00e9,slack,o\u00e9\ne\u0301,ntfy,oe\u0301\n"))
	if err != nil || problems.count > 0 || len(s.users) != 1 || len(s.users[0].GetAddresses()) != 2 || len(s.groups) != 1 {
		t.Errorf("%v, %v %q", s, err, problems.lines)
	}
}
