package incident_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/services/incident"
)

// TestNoticeMessages checks the messages of changes by persons.
func TestNoticeMessages(t *testing.T) {
	i := *incident.ApplyChange(incident.Incident{}, change(incident.ChangeOpened, "high", 1)).Incident
	message := func(rule func(incident.Action) incident.Rule, i incident.Incident, by, comment string) string {
		t.Helper()
		m, err := rule(incident.Action{By: by, Comment: comment, Time: at(2)})(i)
		kittest.NoError(t, err)
		return m.Notices[0].Message
	}
	kittest.Equal(t, message(incident.Acknowledge, i, "kim", ""), "full (by kim)")
	kittest.Equal(t, message(incident.Acknowledge, i, "kim", "on it"), "full (by kim: on it)")
	kittest.Equal(t, message(incident.Resolve, i, "", "replaced"), "full (replaced)")
	kittest.Equal(t, message(incident.Resolve, i, "", ""), "full")
	i.State = incident.Acknowledged
	kittest.Equal(t, message(incident.Unacknowledge, i, "kim", ""), "no longer acknowledged: full (by kim)")
	i.Message = strings.Repeat("가", 20000)
	long := message(incident.Unacknowledge, i, "kim", strings.Repeat("c", 2000))
	kittest.Equal(t, utf8.RuneCountInString(long), 20000)
	kittest.Equal(t, strings.HasSuffix(long, "c)"), true)
}
