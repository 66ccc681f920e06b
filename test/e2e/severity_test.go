package e2e

import (
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
)

// TestSeverityMap checks the ranks of other systems' severities, built-in and by
// --severity-map, through the calls to PagerDuty, and that severities are sent
// unchanged.
func TestSeverityMap(t *testing.T) {
	d := oneProcess(t, "--severity-map=page=low,Brown Out=high")
	d.by(t, "pd", "pagerduty", "0123456789abcdef0123456789abcdef", "")
	for severity, want := range map[string]string{
		"page": "info", "brown-out": "error", "Disaster": "critical", "P1": "critical", "emergency": "critical", "ERR": "error", "warning": "warning", "경고": "warning",
	} {
		d.reset(t)
		res, err := d.alerts().SendAlert(t.Context(), &alertv1.SendAlertRequest{Target: []string{"@pd"}, Message: "m", Severity: severity})
		must(t, err)
		d.ended(t, res.GetId())
		calls := d.calls(t)
		if len(calls) != 1 || !strings.Contains(calls[0].GetBody(), `"severity":"`+want+`"`) || !strings.Contains(calls[0].GetBody(), "["+severity+"] m") {
			t.Errorf("%s: %v, want %s", severity, calls, want)
		}
	}
}
