package silence_test

import (
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/silence"
	"github.com/bongsu-project/bongsu/kit/kittest"
)

// TestBroad checks which silences are too broad, and that each unspecific matcher is named.
func TestBroad(t *testing.T) {
	const empty, anything, ranks = "matches the empty value", "matches any value", "matches all ranks"
	for _, c := range []struct {
		matchers []string
		want     []string // why each is not specific; nil if the silence is not too broad
	}{
		{[]string{`severity="low"`}, nil},
		{[]string{`severity=~"low|normal"`}, nil},
		{[]string{`severity=~"low|normal|high"`}, nil},
		{[]string{`severity=~"low|normal|high|critical"`}, []string{ranks}},
		{[]string{`severity=~"[a-z]+"`}, []string{anything}},
		{[]string{`severity=~".+"`}, []string{anything}},
		{[]string{`severity=~".*"`}, []string{empty}},
		{[]string{`severity!="low"`}, []string{empty}},
		{[]string{`severity!~"low|high"`}, []string{empty}},
		{[]string{`key=~"disk.*"`}, nil},
		{[]string{`key=~".*disk.*"`}, nil},
		{[]string{`key=~"(?i).*DISK.*"`}, nil},
		{[]string{`key=~".*"`}, []string{empty}},
		{[]string{`key=~".+"`}, []string{anything}},
		{[]string{`key=~"(?s).{1,}"`}, []string{anything}},
		{[]string{`key=~"..+"`}, []string{anything}},
		{[]string{`key=~"[a-z].*"`}, []string{anything}},
		{[]string{`key=~"[A-Z]+"`}, []string{anything}},
		{[]string{`key=~"[A-Z][a-z]+"`}, []string{anything}},
		{[]string{`key=~"[0-9]+"`}, []string{anything}},
		{[]string{`key=~"[a-z]"`}, []string{anything}},
		{[]string{`key=~"[0-9]"`}, []string{anything}},
		{[]string{`key=~"[a-z]{2,8}"`}, []string{anything}},
		{[]string{`key=~"[0-9]{2,}"`}, []string{anything}},
		{[]string{`key=~".*_.*"`}, []string{anything}},
		{[]string{`key=~"[0-9a-f]{16}"`}, []string{anything}}, // any fingerprint
		{[]string{`key=~"[0-9a-f-]{36}"`}, []string{anything}},
		{[]string{`key=~"\\p{Hangul}+"`}, []string{anything}},
		{[]string{`key=~".{100,}"`}, []string{anything}},
		{[]string{`key=~"[^ ]+"`}, []string{anything}},
		{[]string{`key=~".* .*"`}, []string{anything}},
		{[]string{`key=~".*/.*"`}, []string{anything}},
		{[]string{`key!="x"`}, []string{empty}},
		{[]string{`key!=""`}, []string{anything}},
		{[]string{`key=""`}, []string{empty}},
		{[]string{`rack=""`}, []string{empty}},
		{[]string{`host=~"db[0-9]+"`}, nil},
		{[]string{`host=~"|db1"`}, []string{empty}},
		{[]string{`host=~"low|normal|high|critical"`}, nil},
		{[]string{`target="@kim"`}, nil},
		{[]string{`target="@all"`}, nil},
		{[]string{`target=~"@.*"`}, []string{anything}},
		{[]string{`target=~"@@.+"`}, []string{anything}},
		{[]string{`target=~"@[a-z]+"`}, []string{anything}},
		{[]string{`target=~"@@ops.*"`}, nil},
		{[]string{`source="grafana"`}, nil},
		{[]string{`source=~"[a-z]+"`}, []string{anything}},
		{[]string{`key=~".*"`, `severity="low"`}, nil},
		{[]string{`severity!="low"`, `host="db1"`}, nil},
		{[]string{`key=~".*"`, `severity=~".+"`, `severity=~"low|normal|high|critical"`}, []string{empty, anything, ranks}},
	} {
		t.Run(strings.Join(c.matchers, ","), func(t *testing.T) {
			ms, err := silence.Parse(c.matchers)
			kittest.NoError(t, err)
			want := make([]string, len(c.want))
			for i, reason := range c.want {
				want[i] = ms.Strings()[i] + " " + reason
			}
			kittest.Equal(t, ms.Broad(), strings.Join(want, "; "))
		})
	}
	kittest.Equal(t, silence.Matchers{}.Broad(), "there are no matchers")
}
