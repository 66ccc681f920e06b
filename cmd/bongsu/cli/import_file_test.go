package cli

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// TestImportFiles checks that both formats round-trip any content.
func TestImportFiles(t *testing.T) {
	value := rapid.OneOf(
		rapid.SampledFrom([]string{"null", "~", "true", "0123", "1e3", "=1+1", "#ops", "a: b", " x ", "- a", "'", `"`, `a"b`, "a,b", "한글", "&a", "*a", "!x", "@x", "{", "|", "2026-11-20", "\ufeffx", `\n`, "+821012345678", "-1001", "@SUM(1)", "'=1", "''", "'kim", "＝1", "\t=1", "a;=1+1", "a\tb"}),
		rapid.StringMatching(`[a-z0-9 :,#"'.-]{1,12}`),
	)
	name := rapid.OneOf(
		rapid.StringMatching(`[a-z0-9]([a-z0-9 .-]{0,8}[a-z0-9])?`),
		rapid.StringMatching(`[a-z=+'";\\,/-]([a-z@=+'";\\, /-]{0,8}[a-z@=+'";\\,/-])?`),
	)
	for format, how := range map[string]struct {
		write func(io.Writer, importFile) error
		read  func([]byte) (importFile, fileProblems, error)
	}{
		"yaml": {writeYAML, readYAML},
		"csv":  {writeCSV, readCSV},
	} {
		t.Run(format, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				var s importFile
				names := rapid.SliceOfNDistinct(name, 1, 5, rapid.ID).Draw(t, "names")
				for _, n := range names {
					u := &userv1.TransferUser{NickName: n, Failover: rapid.Ptr(rapid.Bool(), true).Draw(t, "failover")}
					for _, m := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"slack", "email", "ntfy"}), 0, 3, rapid.ID).Draw(t, "messengers") {
						a := &userv1.TransferAddress{Messenger: m, Destination: value.Draw(t, "destination"), Rank: rapid.Ptr(rapid.Int32(), true).Draw(t, "rank")}
						if rapid.Bool().Draw(t, "sealed") {
							a.SealedCredential = rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "sealed credential")
						} else {
							a.Credential = value.Draw(t, "credential")
						}
						u.Addresses = append(u.Addresses, a)
					}
					s.users = append(s.users, u)
				}
				for _, n := range rapid.SliceOfNDistinct(name, 0, 4, rapid.ID).Draw(t, "groups") {
					s.groups = append(s.groups, &userv1.TransferGroup{GroupName: n, Members: rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, "members")})
				}
				var text bytes.Buffer
				if err := how.write(&text, s); err != nil {
					t.Fatal(err)
				}
				got, problems, err := how.read(text.Bytes())
				if err != nil || problems.count > 0 {
					t.Fatalf("%v %v\n%s", err, problems.lines, &text)
				}
				if want, got := plain(s), plain(got); !proto.Equal(want, got) {
					t.Fatalf("wrote %v\nread  %v\n%s", want, got, &text)
				}
			})
		})
	}
}

// plain returns an import file without line numbers, with sorted groups and members.
func plain(s importFile) *userv1.ExportDirectoryResponse {
	out := &userv1.ExportDirectoryResponse{}
	for _, u := range s.users {
		u = proto.CloneOf(u)
		u.Line = 0
		for _, a := range u.GetAddresses() {
			a.Line = 0
		}
		out.Users = append(out.Users, u)
	}
	for _, g := range s.groups {
		g = proto.CloneOf(g)
		g.Line = 0
		slices.Sort(g.Members)
		out.Groups = append(out.Groups, g)
	}
	slices.SortFunc(out.GetGroups(), func(a, b *userv1.TransferGroup) int { return strings.Compare(a.GetGroupName(), b.GetGroupName()) })
	return out
}

// TestBadImportFiles checks that invalid files are refused with errors that quote no value.
func TestBadImportFiles(t *testing.T) {
	for name, test := range map[string]struct {
		format, text string
		wantText     []string // each in a problem or in the error
	}{
		"an unknown key":      {"yaml", "people: []\n", []string{`line 1: users and groups has no field "people"`}},
		"a key twice":         {"yaml", "users: []\nusers: []\n", []string{"line 2: duplicate field users"}},
		"a list of texts":     {"yaml", "users: [s3cret]\n", []string{"line 1: a user must be a mapping"}},
		"a text":              {"yaml", "s3cret\n", []string{"line 1: users and groups must be a mapping"}},
		"an alias of a text":  {"yaml", "users:\n- nickname: &a s3cret\n- *a\n", []string{"line 3: a user must be a mapping"}},
		"a merge of a text":   {"yaml", "users:\n- {<<: s3cret}\n- {<<: [s3cret]}\n", []string{"line 2: << accepts mappings only", "line 3: << accepts mappings only"}},
		"a merge of a key":    {"yaml", "users:\n- {<<: {s3: a}}\n", []string{`line 2: a user has no field "s3"`}},
		"an alias of itself":  {"yaml", "users:\n- &a {<<: *a, nickname: kim}\n", []string{"are recursive"}},
		"a mapping as a text": {"yaml", "users:\n- nickname: {s3cret: s3cret}\n", []string{"line 2: nickname must be a text"}},
		"two documents":       {"yaml", "users: []\n---\nusers: []\n", []string{"more than one YAML document"}},
		"no YAML":             {"yaml", "users: [\"s3cret\n", []string{"invalid YAML"}},
		"an empty CSV":        {"csv", "", []string{"no header"}},
		"a long row":          {"csv", "nickname,messenger\nkim,slack,s3cret\n", []string{"line 2: column 3 has a value but no name"}},
		"an unnamed column":   {"csv", "nickname,,messenger\nkim,s3cret,slack\n", []string{"line 2: column 2 has a value but no name"}},
		"a quote":             {"csv", "nickname,messenger\n\"s3cret\n", []string{"invalid CSV", "line 2"}},
		"a mark and a line":   {"csv", "\ufeffsep=;\r\nnick;messenger\r\n", []string{`line 2: unknown column "nick"`}},
		"a column twice":      {"csv", "nickname,nickname\n", []string{"line 1: duplicate column nickname"}},
		"no base64":           {"csv", "nickname,sealed_credential\nkim,s3cret!\n", []string{"line 2: sealed_credential: not base64"}},
		"no number":           {"csv", "nickname,messenger,rank\nkim,slack,s3cret\n", []string{"line 2: rank: not a whole number"}},
		"no truth":            {"yaml", "users:\n- nickname: kim\n  failover: s3cret\n", []string{"line 3: failover: not true or false"}},
		"two truths":          {"csv", "nickname,failover,messenger\nkim,true,slack\nkim,false,ntfy\n", []string{"line 3: failover: conflicts with another row of the user"}},
		"truth of nobody":     {"csv", "nickname,failover,groups\n,true,ops\n", []string{"line 2: missing nickname"}},
	} {
		t.Run(name, func(t *testing.T) {
			read := readYAML
			if test.format == "csv" {
				read = readCSV
			}
			_, problems, err := read([]byte(test.text))
			message := strings.Join(problems.lines, "\n")
			if err != nil {
				message += err.Error()
			}
			for _, want := range test.wantText {
				if !strings.Contains(message, want) {
					t.Errorf("got %q, want %q", message, want)
				}
			}
			if strings.Contains(message, "s3cret") {
				t.Errorf("the error quotes a value of the file: %q", message)
			}
		})
	}
}

// TestManyProblems checks that the number of printed problems is bounded and the rest
// is counted.
func TestManyProblems(t *testing.T) {
	_, problems, err := readYAML([]byte("users:\n" + strings.Repeat("- x\n", 1000)))
	if err != nil || problems.count != 1000 || len(problems.lines) != maxFileProblems {
		t.Errorf("%v, %d problems, %d printed", err, problems.count, len(problems.lines))
	}
}
