package silence

import (
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/bongsu-project/bongsu/internal/job"
)

// madeUpValues are values that no matcher has a reason to name, in the forms that values have:
// words, numbers, fingerprints, and sentences. A matcher that matches one of them matches all values
// of a form.
var madeUpValues = []string{
	"q", "7", "qzxwvk", "QZXWVK", "Qzxwvk", "7305918", "qzx-7305.w_k", "qzx/wv:7305", "Qzxwv kq, 7305!",
	"9f3b07c2d5e8a164", "0c6bd9f2-71a8-4e35-9d40-b27f8ae1c653", "뷁쒥쾕", strings.Repeat("qzxwvk7", 30),
}

// Broad returns why a silence of the matchers is too broad to be created by mistake; empty if
// it is not. It is too broad if none of its matchers is specific. A specific matcher matches
// neither the empty value, nor made-up values, nor all of the ranks.
func (ms Matchers) Broad() string {
	reasons := make([]string, 0, len(ms))
	for _, m := range ms {
		reason := unspecific(m)
		if reason == "" {
			return ""
		}
		reasons = append(reasons, m.String()+" "+reason)
	}
	if len(reasons) == 0 {
		return "there are no matchers"
	}
	return strings.Join(reasons, "; ")
}

// unspecific returns why a matcher is not specific; empty if it is.
func unspecific(m *labels.Matcher) string {
	switch {
	case m.Matches(""):
		return "matches the empty value"
	case slices.ContainsFunc(madeUp(m.Name), m.Matches):
		return "matches any value"
	case m.Name == nameSeverity && !slices.ContainsFunc(job.Ranks[:], func(r job.Rank) bool { return !m.Matches(r.String()) }):
		return "matches all ranks"
	}
	return ""
}

// madeUp returns the made-up values of a name. Those of targets are users and groups.
func madeUp(name string) []string {
	if name != nameTarget {
		return madeUpValues
	}
	values := make([]string, 0, 2*len(madeUpValues))
	for _, value := range madeUpValues {
		values = append(values, "@"+value, "@@"+value)
	}
	return values
}
