package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	alertv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/alert/v1"
	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
)

// A word is what a text says about a thing.
type word struct {
	thing, step int
	status      alertv1.AlertStatus
	unanswered  bool // the call got no response: it may have been received
}

var wordPattern = regexp.MustCompile(`\[\w+\] (resolved: |acknowledged: |flapping: )?thing-(\d+)\. step (\d+)`)

// wordOf returns the last word of a text, or false if it says nothing about a thing.
func wordOf(text string) (word, bool) {
	all := wordPattern.FindAllStringSubmatch(text, -1)
	if all == nil {
		return word{}, false
	}
	parts := all[len(all)-1]
	w := word{status: firing}
	switch parts[1] {
	case "resolved: ":
		w.status = resolved
	case "acknowledged: ":
		w.status = acknowledged
	}
	w.thing, _ = strconv.Atoi(parts[2]) // digits
	w.step, _ = strconv.Atoi(parts[3])  // digits
	return w, true
}

// callMarks are texts in the path, the query or the headers of each call to a provider.
var callMarks = map[string]string{
	"discord":    "/webhooks/123456789012345678",
	"discordbot": "Bot ",
	"googlechat": "AAAAabcd",
	"httpx":      "Bearer s",
	"mattermost": "/hooks/s",
	"ncpsens":    "terces43210",
	"rocketchat": "68a1b2c3",
	"ntfy":       "Bearer tk_",
	"pagerduty":  "/v2/enqueue",
	"email":      "bongsu:",
	"slack":      "Bearer xoxb-",
	"slackhook":  "/services/T00000000",
	"teams":      "/workflows/",
	"telegram":   "/bot123456789:",
	"webhook":    "/hook/",
	"sns":        "AKIAEXAMPLE",
	"twilio":     "/Accounts/AC0123456789abcdef",
}

// messengerOf returns the messenger of a call.
func messengerOf(c *mockupv1.Call) string {
	parts := c.GetPath() + "\n" + c.GetQuery() + "\n" + strings.Join(values(c.GetHeaders()), "\n")
	for _, m := range everyMessenger {
		if strings.Contains(parts, callMarks[m.messenger]) {
			return m.messenger
		}
	}
	return ""
}

// words returns the words that each provider accepted, or left without a response, by messenger and thing, the oldest first.
func (d deployment) words(t *testing.T) map[string]map[int][]word {
	t.Helper()
	all := map[string]map[int][]word{}
	for _, c := range d.calls(t) {
		unanswered := c.GetAnswerStatus() == 0
		if c.GetAnswerStatus()/100 != 2 && !unanswered || strings.Contains(c.GetAnswerBody(), `"ok":false`) {
			continue
		}
		text := c.GetBody()
		if form, err := url.QueryUnescape(text); err == nil && strings.HasPrefix(c.GetHeaders()["Content-Type"], "application/x-www-form-urlencoded") {
			text = form
		}
		messenger := messengerOf(c)
		w, ok := wordOf(text)
		if messenger == "" || !ok {
			t.Errorf("unexpected call: %v", c)
			continue
		}
		if all[messenger] == nil {
			all[messenger] = map[int][]word{}
		}
		w.unanswered = unanswered
		all[messenger][w.thing] = append(all[messenger][w.thing], w)
	}
	return all
}

// shownWords returns the last word of the messages that users of each provider see, by messenger
// and thing.
func (d deployment) shownWords(t *testing.T) map[string]map[int]word {
	t.Helper()
	res, err := d.fakes().ListMessages(t.Context(), &mockupv1.ListMessagesRequest{})
	must(t, err)
	messages := res.GetMessages()
	slices.SortStableFunc(messages, func(a, b *mockupv1.Message) int {
		return a.GetUpdateTime().AsTime().Compare(b.GetUpdateTime().AsTime())
	})
	all := map[string]map[int]word{}
	for _, m := range messages {
		w, ok := wordOf(m.GetText())
		if !ok {
			t.Errorf("unexpected message: %v", m)
			continue
		}
		if m.GetProvider() == "pagerduty" { // its text is that of the first trigger
			w.status = map[string]alertv1.AlertStatus{"triggered": firing, "acknowledged": acknowledged, "resolved": resolved}[m.GetState()]
		}
		if all[m.GetProvider()] == nil {
			all[m.GetProvider()] = map[int]word{}
		}
		all[m.GetProvider()][w.thing] = w
	}
	return all
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
