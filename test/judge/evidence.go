package judge

import (
	"maps"
	"slices"
	"strings"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	messengerv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/messenger/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// withoutIDs are the messengers whose providers return no message id.
var withoutIDs = []string{"slackhook", "webhook", "mattermost", "rocketchat", "httpx"}

// judgeIDs checks that the message id of each sent attempt is in the fake's response to
// its call.
func judgeIDs(t T, d *alertv1.Delivery, calls []*mockupv1.Call) {
	t.Helper()
	for i, a := range d.GetAttempts() {
		if a.GetOutcome().GetKind() != messengerv1.OutcomeKind_OUTCOME_KIND_SENT {
			continue
		}
		id := a.GetOutcome().GetProviderMessageId()
		if slices.Contains(withoutIDs, d.GetMessenger()) {
			if id != "" {
				t.Errorf("attempt %d has the message id %q, but its provider returns none: %v", i+1, id, d)
			}
			continue
		}
		if id == "" || !slices.ContainsFunc(calls, func(call *mockupv1.Call) bool {
			return attemptOf(d, call) == i && Accepted(call) && containsID(call, id)
		}) {
			t.Errorf("attempt %d has the message id %q, which is in no response of the fake: %v\n%v", i+1, id, d, calls)
		}
	}
}

// containsID reports whether a response holds a message id. That of a mail is in the mail
// itself, where its sender sets it.
func containsID(call *mockupv1.Call, id string) bool {
	if call.GetMethod() == "SMTP" {
		return strings.Contains(call.GetBody(), "Message-ID: <"+id+">")
	}
	return strings.Contains(call.GetAnswerBody(), id) ||
		slices.Contains(slices.Collect(maps.Values(call.GetAnswerHeaders())), id)
}
