package silence_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/internal/job"
	"github.com/bongsu-project/bongsu/internal/silence"
	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// subject is the alert that tests match.
var subject = silence.Subject{
	Key: "disk of db1", Severity: "low", Source: "grafana", Targets: []string{"@kim", "@@운영"},
	Details: []job.Detail{
		{Name: "host", Value: "db1.example.com"}, {Name: "disk usage", Value: "90 %"},
		{Name: "team", Value: "a"}, {Name: "team", Value: "b"}, {Name: "key", Value: "other"}, {Name: "path", Value: `C:\tmp`}, {Name: "cafe\u0301", Value: "cre\u0300me"},
	},
}

// TestMatch checks the values that each form of a matcher matches.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		matcher string
		want    bool
	}{
		{`severity="low"`, true},
		{`severity=low`, true},
		{` severity = "low" `, true},
		{`{severity="low"}`, true},
		{`"severity"="low"`, true},
		{`severity="LOW"`, false},
		{`severity=~"(?i)LOW"`, true},
		{`severity!="low"`, false},
		{`severity!="high"`, true},
		{`severity=~"lo|hi"`, false}, // the whole value
		{`severity=~"lo.|hi"`, true},
		{`severity!~"lo.|hi"`, false},
		{`severity!~"hi"`, true},
		{`key=~"disk.*"`, true},
		{`key=~disk.*`, true},
		{`key="other"`, false}, // a detail of the name of another field cannot be matched
		{`key="disk of db1"`, true},
		{`source="grafana"`, true},
		{`source=""`, false},
		{`target="@kim"`, true},
		{`target="@lee"`, false},
		{`target="@@운영"`, true},
		{"target=\"@@\u110b\u116e\u11ab\u110b\u1167\u11bc\"", true}, // in NFD
		{`target!="@kim"`, false},                                   // one of them is
		{`target!="@lee"`, true},
		{`target=~"@@.+"`, true},
		{`target!~"@@.+"`, false},
		{`host=~"db\d+\.example\.com"`, true}, // as Alertmanager's older syntax has it
		{`host=~"db\\d+\\.example\\.com"`, true},
		{`host=~"db\\d+"`, false},
		{`"disk usage"="90 %"`, true},
		{`"disk usage"=~"[0-9]+ %"`, true},
		{`team="b"`, true},
		{`team="c"`, false},
		{`team!="a"`, false},
		{`team=""`, false},
		{`team!=""`, true},
		{`team=~"c?"`, false},
		{`team!="c"`, true},
		{`team!~"a|b"`, false},
		{`team!~"b|c"`, false},
		{`rack=""`, true}, // no such detail
		{`rack=`, true},
		{`rack!=""`, false},
		{`rack!="1"`, true},
		{`rack=~".*"`, true},
		{`rack=~".+"`, false},
		{`rack!~".+"`, true},
		{`path="C:\\tmp"`, true},
		{`path=~"C:.\x74mp"`, true},
		{`path="C:\\\x74mp"`, false}, // the older syntax has no \x
		{`café="crème"`, true},
	} {
		t.Run(c.matcher, func(t *testing.T) {
			ms, err := silence.Parse([]string{c.matcher})
			kittest.NoError(t, err)
			kittest.Equal(t, ms.Match(subject), c.want)
		})
	}
}

// TestMatchAll checks that all matchers must match.
func TestMatchAll(t *testing.T) {
	for _, c := range []struct {
		matchers []string
		want     bool
	}{
		{[]string{`severity="low"`, `host=~"db.*"`}, true},
		{[]string{`severity="low"`, `host=~"web.*"`}, false},
		{[]string{`severity="high"`, `host=~"db.*"`}, false},
		{[]string{`team="a"`, `team="b"`}, true},
	} {
		ms, err := silence.Parse(c.matchers)
		kittest.NoError(t, err)
		if got := ms.Match(subject); got != c.want {
			t.Errorf("%q: %t", c.matchers, got)
		}
	}
}

// TestMatchWithoutKey checks the fields of an alert that has only the required ones.
func TestMatchWithoutKey(t *testing.T) {
	for matcher, want := range map[string]bool{`key=""`: true, `key!=""`: false, `source=""`: true, `host=""`: true, `key=~"disk.*"`: false} {
		ms, err := silence.Parse([]string{matcher})
		kittest.NoError(t, err)
		if got := ms.Match(silence.Subject{Severity: "normal", Targets: []string{"@kim"}}); got != want {
			t.Errorf("%s: %t", matcher, got)
		}
	}
}

// TestMatchWithoutTargets checks that the target of an alert without targets is empty.
func TestMatchWithoutTargets(t *testing.T) {
	for matcher, want := range map[string]bool{`target=""`: true, `target!=""`: false, `target="@kim"`: false} {
		ms, err := silence.Parse([]string{matcher})
		kittest.NoError(t, err)
		if got := ms.Match(silence.Subject{Severity: "normal"}); got != want {
			t.Errorf("%s: %t", matcher, got)
		}
	}
}

// TestParseErrors checks that an error names the text.
func TestParseErrors(t *testing.T) {
	for _, c := range []string{
		"", "severity", `severity="low`, `="low"`, `""="low"`, `severity~"low"`, `severity=~"("`, `a="1",b="2"`, `{a="1"`, "{}",
		"a=\x00", "a=\xff", "\xff=1", `"a\x00"="1"`,
	} {
		_, err := silence.Parse([]string{`a="1"`, c})
		fields := fault.Fields(err)
		if !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != "matchers[1]" || fields[0].Problem == "" {
			t.Errorf("%q: %v, %+v", c, err, fields)
		}
	}
}

// TestStrings checks the form in which matchers are stored and shown.
func TestStrings(t *testing.T) {
	ms, err := silence.Parse([]string{`severity=low`, ` key =~ disk.* `, `"disk usage"!="90 %"`, `host!~"db\d+"`, `a="\"\n\\"`, `b=""`})
	kittest.NoError(t, err)
	kittest.Equal(t, ms.Strings(), []string{`severity="low"`, `key=~"disk.*"`, `"disk usage"!="90 %"`, `host!~"db\\d+"`, `a="\"\n\\"`, `b=""`})
}

// FuzzParse checks that parsing never panics, and that a parsed matcher is parsed again from its
// text, and matches the same.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`severity="low"`, `key=~disk.*`, `host!~"db\d+"`, `"disk usage"!="90 %"`, `{a="\"\n\\"}`, "target=\"@@운영\"", `a="\x00"`, "a=\"\t\r\"", "a=\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ms, err := silence.Parse([]string{text})
		if err != nil {
			if !errors.Is(err, fault.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		ms.Broad()
		texts := ms.Strings()
		again, err := silence.Parse(texts)
		if err != nil {
			t.Fatalf("%q was parsed, but %q: %v", text, texts, err)
		}
		if !slices.Equal(again.Strings(), texts) {
			t.Errorf("%q: %q, then %q", text, texts, again.Strings())
		}
		if again[0].Name != ms[0].Name || again[0].Value != ms[0].Value || again[0].Type != ms[0].Type {
			t.Errorf("%q: %+v, then %+v", text, ms[0], again[0])
		}
		if ms.Match(subject) != again.Match(subject) {
			t.Errorf("%q and %q match differently", text, texts)
		}
	})
}
