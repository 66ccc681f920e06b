package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// messages returns the messages that users of a provider see, the oldest first.
func (d deployment) messages(t *testing.T, provider string) []*mockupv1.Message {
	t.Helper()
	res, err := d.fakes().ListMessages(t.Context(), &mockupv1.ListMessagesRequest{Provider: provider})
	must(t, err)
	return res.GetMessages()
}

// TestIncidentIsOneThing lets a thing fire, change, get worse, be acknowledged, resolved, reopened and
// resolved: each provider that can shows one message, with a reply where a person must notice, and the
// others a message for each change.
func TestIncidentIsOneThing(t *testing.T) {
	d := oneProcess(t)
	user := d.everywhere(t, 1, "rocketchat") // five messages a minute
	for i, s := range []string{
		`"severity":"low","status":"ALERT_STATUS_FIRING"`,
		`"severity":"low","status":"ALERT_STATUS_FIRING"`,
		`"severity":"critical","status":"ALERT_STATUS_FIRING"`,
		`"severity":"critical","status":"ALERT_STATUS_ACKNOWLEDGED"`,
		`"severity":"critical","status":"ALERT_STATUS_RESOLVED"`,
		`"severity":"critical","status":"ALERT_STATUS_FIRING"`,
		`"severity":"critical","status":"ALERT_STATUS_RESOLVED"`,
	} {
		allSent(t, d.ended(t, d.send(t, fmt.Sprintf(`{"target":["@%s"],"key":"disk","message":"thing-000. step %d",%s}`, user, i, s)).ID))
	}
	const steps = 7
	for _, provider := range []string{"slack", "telegram", "discordbot"} { // a reply that it got worse, and that it is reopened
		all := d.messages(t, provider)
		if len(all) != 3 || all[0].GetThread() != "" || all[1].GetThread() != all[0].GetId() || all[2].GetThread() != all[0].GetId() ||
			!strings.Contains(all[0].GetText(), "[critical] resolved: thing-000. step 6") || !strings.Contains(all[2].GetText(), "[critical] flapping: thing-000. step 5") {
			t.Errorf("%s: %v", provider, all)
		}
	}
	if all := d.messages(t, "discord"); len(all) != 3 || !strings.Contains(all[2].GetText(), "[critical] resolved: thing-000. step 6") { // a webhook cannot reply
		t.Errorf("discord: %v", all)
	}
	if all := d.messages(t, "ntfy"); len(all) != 1 || all[0].GetChangeCount() != steps-1 || !strings.Contains(all[0].GetText(), "resolved: thing-000. step 6") {
		t.Errorf("ntfy: %v", all)
	}
	if all := d.messages(t, "pagerduty"); len(all) != 2 || all[0].GetState() != "resolved" || all[1].GetState() != "resolved" || all[1].GetId() != all[0].GetId()+" 2" { // a trigger after a resolve opens another one of its key
		t.Errorf("pagerduty: %v", all)
	}
	mails := d.messages(t, "email")
	if len(mails) != steps || slices.ContainsFunc(mails[1:], func(m *mockupv1.Message) bool { return m.GetThread() != mails[0].GetId() }) {
		t.Errorf("email: %v", mails)
	}
	for _, provider := range []string{"teams", "slackhook"} {
		if all := d.messages(t, provider); len(all) != steps {
			t.Errorf("%s: %v", provider, all)
		}
	}
	if items := d.inboxItems(t, user); len(items) != 1 || !strings.Contains(items[0].Text, "resolved: thing-000. step 6") {
		t.Errorf("inbox: %v", items)
	}
	words := d.words(t)
	for _, m := range everyMessenger { // each was told of each step, in order
		if m.messenger == "rocketchat" {
			continue
		}
		if all := words[m.messenger][0]; len(all) != steps || !slices.IsSortedFunc(all, func(a, b word) int { return a.step - b.step }) {
			t.Errorf("%s: %v", m.messenger, all)
		}
	}
}
