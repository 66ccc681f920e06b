package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/timestamppb"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	groupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/group/v1"
)

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"node1 down":              "node1 down",
		"봉수\u3000봉화":              "봉수\u3000봉화",
		"👩\u200d💻":                "👩\u200d💻",
		`it's "down" \o/`:         `it's "down" \o/`,
		"a\nb\tc\rd":              `a\nb\tc\rd`,
		"\x1b[2J\a\b\x00\x7f":     `\x1b[2J\a\b\x00\x7f`,
		"\u0085\u009b31m":         `\u0085\u009b31m`,
		"user\u202eresu":          `user\u202eresu`,
		"\u2028\ufeff\U000e0041.": `\u2028\ufeff\U000e0041.`,
		"\xff\xc3(":               `\xff\xc3(`,
		"\ufffd":                  "\ufffd",
	} {
		if got := escapeTerminal(text); got != want {
			t.Errorf("clean(%q) is %q, want %q", text, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("node1 down")
	f.Add("\x1b]0;x\a\xff\u202e\u200d")
	f.Fuzz(func(t *testing.T, text string) {
		got := escapeTerminal(text)
		if !utf8.ValidString(got) {
			t.Errorf("clean(%q) is %q, which is no UTF-8", text, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("clean(%q) is %q, which holds %U", text, got, r)
			}
		}
	})
}

// TestPage checks that no output of a page can control a terminal or break a row of a
// table.
func TestPage(t *testing.T) {
	con, out := newConsole()
	err := con.show(false, nil, func(p *page) {
		p.field("message", "first\r\nsecond\x1b[31m")
		p.field("unknown", "")
		p.say("")
		p.row("USER", "STATE", "REASON")
		p.row("a\tb", "sent", "")
		p.row("c\nd", 7, "\x1b[0m")
		p.say("%s ends", "\a")
	})
	want := `message  first
         second\x1b[31m

USER  STATE  REASON
a\tb  sent   -
c\nd  7      \x1b[0m
\a ends
`
	if err != nil || out.String() != want {
		t.Errorf("error %v, got\n%s\nwant\n%s", err, out, want)
	}
}

// TestShowJSON checks that the output is one deterministic JSON document with empty
// fields.
func TestShowJSON(t *testing.T) {
	con, out := newConsole()
	answer := &groupv1.ListGroupUsersResponse{Group: &groupv1.GroupUsers{Id: 2, GroupName: "test-team2"}}
	const want = `{
  "group": {
    "id": 2,
    "groupName": "test-team2",
    "userList": []
  }
}
`
	err := con.show(true, answer, func(*page) { t.Error("a page was drawn") })
	if err != nil || out.String() != want || !json.Valid(out.Bytes()) {
		t.Errorf("error %v, got %s", err, out)
	}
}

func TestTimeIsLocal(t *testing.T) {
	p := &page{zone: time.FixedZone("KST", 9*60*60)}
	if got := p.time(timestamppb.New(time.Date(2026, 8, 31, 23, 0, 1, 0, time.UTC))); got != "2026-09-01 08:00:01" {
		t.Errorf("got %s", got)
	}
	if got := p.time(nil); got != "" {
		t.Errorf("an unset time is %q", got)
	}
}

func TestShort(t *testing.T) {
	long := strings.Repeat("봉", 61)
	for text, want := range map[string]string{
		"":                            "",
		"node1 down":                  "node1 down",
		"node1 down\r\nlog":           "node1 down…",
		strings.TrimSuffix(long, "봉"): strings.TrimSuffix(long, "봉"),
		long:                          strings.TrimSuffix(long, "봉") + "…",
	} {
		if got := firstLine(text); got != want {
			t.Errorf("short(%q) is %q, want %q", text, got, want)
		}
	}
}

func TestStateText(t *testing.T) {
	for state, want := range map[alertv1.DeliveryState]string{
		alertv1.DeliveryState_DELIVERY_STATE_SENT: "sent",
		alertv1.DeliveryState(99):                 "99", // of a newer server
	} {
		if got := enumWord(state, "DELIVERY_STATE_"); got != want {
			t.Errorf("%v is %q, want %q", state, got, want)
		}
	}
}

// newConsole returns a console with a fixed zone and time.
func newConsole() (*console, *bytes.Buffer) {
	var out bytes.Buffer
	zone := time.FixedZone("KST", 9*60*60)
	now := time.Date(2026, 9, 2, 12, 0, 0, 0, zone)
	return &console{
		In: strings.NewReader(""), Out: &out, Err: &out,
		Now: func() time.Time { return now }, Zone: zone,
	}, &out
}
