package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	userv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/user/v1/userv1connect"
)

// everywhere creates a user with an address of each messenger, also of the inbox. Users have
// different credentials, because the limits of some providers hold for each of them.
func (d deployment) everywhere(t *testing.T, number int, except ...string) (name string) {
	t.Helper()
	user := &userv1.CreateUserRequest{NickName: fmt.Sprintf("kim%d", number), Addresses: []*userv1.NewAddress{{Messenger: "inbox"}}}
	for _, m := range everyMessenger {
		if slices.Contains(except, m.messenger) {
			continue
		}
		credential := m.credential
		if m.messenger != "ncpsens" { // the fake compares its keys
			credential = strings.ReplaceAll(credential, "secret", fmt.Sprintf("s%05d", number)) // as long
		}
		user.Addresses = append(user.Addresses, &userv1.NewAddress{Messenger: m.messenger, Credential: credential, Destination: m.destination})
	}
	_, err := userv1connect.NewUserServiceClient(http.DefaultClient, d.edge).CreateUser(t.Context(), user)
	must(t, err)
	return user.GetNickName()
}

// inboxItem is an item of the inbox, as the edge shows it.
type inboxItem struct{ ID, Text, StoreTime, UpdateTime string }

// inboxItems returns the items of a user's inbox.
func (d deployment) inboxItems(t *testing.T, name string) []inboxItem {
	t.Helper()
	var all []inboxItem
	for token := ""; ; {
		_, answer := request(t, http.MethodGet, d.edge+"/v1/inbox?pageSize=100&nickName="+name+"&pageToken="+url.QueryEscape(token), "")
		var list struct {
			Items         []inboxItem
			NextPageToken string
		}
		must(t, json.Unmarshal([]byte(answer), &list))
		all = append(all, list.Items...)
		if token = list.NextPageToken; token == "" {
			return all
		}
	}
}

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
}
