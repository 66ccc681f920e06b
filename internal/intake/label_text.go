package intake

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/wiretext"
)

// labelDetails returns labels as details, sorted by name, without those of other fields.
func (r reader) labelDetails(labels map[string]any) []Detail {
	var all []Detail
	for name, value := range labels {
		if name != "alertname" && name != r.TargetLabel && name != r.SeverityLabel {
			all = append(all, Detail{name, wiretext.TextOf(value)})
		}
	}
	slices.SortFunc(all, func(a, b Detail) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// labelText returns labels as text, sorted by name, such as "job=node, zone=us-1".
func labelText(labels map[string]any) string {
	all := make([]string, 0, len(labels))
	for name, value := range labels {
		all = append(all, name+"="+wiretext.TextOf(value))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// fingerprint returns the fingerprint that the source sent. Without one it returns a digest
// of the labels, and without labels one of the whole alert.
func fingerprint(given string, alert, labels map[string]any) string {
	if given != "" {
		return given
	}
	var text []byte
	if len(labels) > 0 {
		text, _ = json.Marshal(labels) // sorted by name
	} else {
		text, _ = json.Marshal(alert)
	}
	return digest([]string{string(text)})[:32]
}

// firstValue returns the first of values with a text that is not blank.
func firstValue(values ...any) any {
	for _, v := range values {
		if strings.TrimSpace(wiretext.TextOf(v)) != "" {
			return v
		}
	}
	return nil
}
