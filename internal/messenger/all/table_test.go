package all

import (
	"os"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// TestTable verifies that the table in docs/messengers.md has a row for each messenger, with its limits
// and its footnotes.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("../../../docs/messengers.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Specs() {
		row := ""
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "| `"+s.Name+"`") {
				row = line
			}
		}
		cells := strings.Split(row, "|")
		if len(cells) < 3 {
			t.Errorf("%s has no row", s.Name)
			continue
		}
		var limits []string
		for _, of := range []struct {
			ratelimit.Rate
			each string
		}{{s.Limits.Credential, ""}, {s.Limits.Destination, " a "}} {
			if of.Limited() {
				limits = append(limits, of.String()+of.each)
			}
		}
		most := strings.TrimSpace(cells[len(cells)-2])
		if !strings.HasPrefix(most, strings.Join(limits, ", ")) || (most == "") != (len(limits) == 0) {
			t.Errorf("%s: at most %q, which is %q", s.Name, most, limits)
		}
		idempotent, costly, verifiable := strings.Contains(cells[1], "¹"), strings.Contains(cells[1], "²"), strings.Contains(cells[1], "³")
		if idempotent != s.Idempotent || costly != s.Costly || verifiable != s.Verifiable {
			t.Errorf("%s: idempotent is %v, costly is %v, verifiable is %v", s.Name, s.Idempotent, s.Costly, s.Verifiable)
		}
	}
}
