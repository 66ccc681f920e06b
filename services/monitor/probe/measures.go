package probe

import (
	"fmt"
	"strings"
)

// measures collects the values that a check with several limits measured.
type measures struct {
	all, above []string
	value      float64 // of the first one, or of the first one beyond its limit
	has        bool
}

// add adds a value with its name, unit and limit, and reports whether it is beyond the limit.
func (m *measures) add(name string, value float64, unit string, limit float64, beyond bool) {
	text := fmt.Sprintf("%s %s%s", name, trimmed(value), unit)
	m.all = append(m.all, text)
	if !m.has || beyond && len(m.above) == 0 {
		m.value, m.has = value, true
	}
	if beyond {
		word := "above"
		if value < limit {
			word = "below"
		}
		m.above = append(m.above, fmt.Sprintf("%s, %s %s%s", text, word, trimmed(limit), unit))
	}
}

// finding returns Failed if a value is beyond its limit.
func (m *measures) finding() Finding {
	f := passed("%s", strings.Join(m.all, "; "))
	if len(m.above) > 0 {
		f = failed("%s", strings.Join(m.above, "; "))
	}
	f.Value, f.HasValue = m.value, m.has
	return f
}
