package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
)

// TestAliases checks that aliases, anchors and merge keys expand to their values, with
// the line of the alias.
func TestAliases(t *testing.T) {
	s, problems, err := readYAML([]byte(`
users:
  - nickname: &kim kim
    failover: &yes true
    addresses:
      - &team {messenger: slack, destination: C1, rank: 1}
  - nickname: lee
    failover: *yes
    addresses: &both
      - *team
      - {messenger: ntfy, destination: t}
  - nickname: park
    addresses: *both
  - nickname: choi
    addresses:
      - <<: *team
        destination: C2
      - <<: [{messenger: ntfy}, *team]
groups:
  - name: ops
    members: &all [*kim, lee]
  - {name: dev, members: *all}
`))
	if err != nil || problems.count > 0 {
		t.Fatalf("%v %q", err, problems.lines)
	}
	slack := func(destination string) *userv1.TransferAddress {
		return &userv1.TransferAddress{Messenger: "slack", Destination: destination, Rank: new(int32(1))}
	}
	ntfy := &userv1.TransferAddress{Messenger: "ntfy", Destination: "t"}
	want := &userv1.ExportDirectoryResponse{
		Users: []*userv1.TransferUser{
			{NickName: "kim", Failover: new(true), Addresses: []*userv1.TransferAddress{slack("C1")}},
			{NickName: "lee", Failover: new(true), Addresses: []*userv1.TransferAddress{slack("C1"), ntfy}},
			{NickName: "park", Addresses: []*userv1.TransferAddress{slack("C1"), ntfy}},
			{NickName: "choi", Addresses: []*userv1.TransferAddress{slack("C2"), {Messenger: "ntfy", Destination: "C1", Rank: new(int32(1))}}},
		},
		Groups: []*userv1.TransferGroup{{GroupName: "dev", Members: []string{"kim", "lee"}}, {GroupName: "ops", Members: []string{"kim", "lee"}}},
	}
	if line := s.users[2].GetAddresses()[0].GetLine(); line != 10 {
		t.Errorf("the line of an address is %d", line)
	}
	if got := plain(s); !proto.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// TestBillionLaughs checks that a small file whose aliases expand to very many values
// is refused quickly.
func TestBillionLaughs(t *testing.T) {
	laughs := func(open, shut, before string) string {
		var b strings.Builder
		b.WriteString("users:\n- nickname: a\n")
		last := "{messenger: slack}"
		for level := range 9 {
			_, _ = fmt.Fprintf(&b, "  x%d: &a%d %s%s%s\n", level, level, open, strings.Repeat(last+", ", 9)+last, shut)
			last = fmt.Sprintf("*a%d", level)
		}
		return b.String() + fmt.Sprintf("%s%s\n", before, last)
	}
	flat := "users:\n- nickname: a\n  addresses: &l [" + strings.Repeat("{}, ", 2000) + "{}]\n" + strings.Repeat("- {nickname: b, addresses: *l}\n", 2000)
	for name, text := range map[string]string{
		"lists":  laughs("[", "]", "  addresses: "),
		"merges": laughs("{<<: [", "]}", "  addresses:\n  - <<: "),
		"flat":   flat,
		"itself": "users: &u\n- nickname: a\n  addresses: *u\n",
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, problems, err := readYAML([]byte(text))
			if err == nil && problems.count == 0 {
				t.Error("it is accepted")
			}
			if problems.count > maxCopies {
				t.Errorf("%d problems", problems.count)
			}
			t.Logf("%v, %d problems in %s", err, problems.count, time.Since(start))
		})
	}
}
