package slack

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// TestChangeInAnotherChannel changes a message in the channel that Slack returned for the
// destination, such as that of a user.
func TestChangeInAnotherChannel(t *testing.T) {
	s := sample
	s.Message.Destination, s.Message.AlertKey = "U0123456789", "node1"
	channel := messenger.Outcome{Kind: messenger.Sent, MessageID: "1503435956.000247", Reference: "D0123456789:1503435956.000247"}
	messengertest.CheckOutcomes(t, s, []messengertest.Response{
		{200, nil, `{"ok":true,"channel":"D0123456789","ts":"1503435956.000247"}`, channel},
		{200, nil, `{"ok":true,"channel":"D0123456789","Channel":"D9","CHANNEL":"D8","ts":"1503435956.000247"}`, channel},
		{200, nil, `{"ok":true,"channel":{"id":"D0123456789"},"ts":"1503435956.000247"}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "1503435956.000247"}},
		{200, nil, `{"ok":true,"ts":"1503435956.000247"}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "1503435956.000247"}},
		{200, nil, `{"ok":true,"channel":"D0123456789","ts":"1503435956"}`, messenger.Outcome{Kind: messenger.Sent, MessageID: "1503435956"}},
	})
	for reply, want := range map[bool]string{
		false: `{"channel":"D0123456789","ts":"1503435956.000247","blocks":[],`,
		true:  `{"channel":"D0123456789","thread_ts":"1503435956.000247","reply_broadcast":true,`,
	} {
		s.Message.Previous, s.Message.Reply = channel.Reference, reply
		if request := string(messengertest.Request(t, s, s.Message, false)); !strings.Contains(request, want) {
			t.Errorf("%s, want %s", request, want)
		}
	}
}

// TestReferenceOfALongResponse reads the channel of a response that was cut.
func TestReferenceOfALongResponse(t *testing.T) {
	s := sample
	s.Sent = `{"ok":true,"channel":"C1","ts":"1.2","message":{"text":"` + strings.Repeat("x", 70_000) + `"}}`
	m := sample.Change().Message
	m.Previous = ""
	base := messengertest.Provider(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s.Sent) })
	o := messengertest.Send(t.Context(), t, at(t, base), m)
	if o.Kind != messenger.Sent || o.Reference != "C1:1.2" {
		t.Errorf("%+v", o)
	}
}

// TestAckLinkWithoutButton sends a link that does not fit into a button, or whose message
// does not fit into blocks, as a line.
func TestAckLinkWithoutButton(t *testing.T) {
	m := sample.Change().Message
	m.AckURL = "https://bongsu.example/ack?a=1&t=x"
	m.Text = strings.Repeat("x", 3_001)
	if request := string(messengertest.Request(t, sample, m, false)); !strings.Contains(request, `"blocks":[]`) || !strings.Contains(request, `x\n\nAcknowledge: https://bongsu.example/ack?a=1&amp;t=x"`) {
		t.Errorf("%s", request)
	}
	m.Text = strings.Repeat("x", 50_000)
	if request := string(messengertest.Request(t, sample, m, true)); !strings.Contains(request, `x…\n\nAcknowledge: https://bongsu.example/ack?a=1&amp;t=x"`) {
		t.Errorf("cut: …%s", request[len(request)-200:])
	}
	m.Text, m.AckURL = "x", "https://bongsu.example/ack?t="+strings.Repeat("x", 3_000)
	if request := string(messengertest.Request(t, sample, m, false)); !strings.Contains(request, `"text":"x\n\nAcknowledge: https://`) {
		t.Errorf("%s", request)
	}
}

// TestChangePause verifies that the rate limit of changes pauses the channel only, and that
// of messages the token.
func TestChangePause(t *testing.T) {
	s := sample
	s.Message = sample.Change().Message
	paused := messenger.Outcome{Kind: messenger.Paused, Scope: messenger.DestinationScope, Code: "ratelimited", RetryAfter: messengertest.Later}
	responses := func(want messenger.Outcome) []messengertest.Response {
		return []messengertest.Response{{429, messengertest.RetryLater, `{"ok":false,"error":"ratelimited"}`, want}}
	}
	messengertest.CheckOutcomes(t, s, responses(paused))
	paused.Scope, s.Message.Reply = messenger.NoScope, true
	messengertest.CheckOutcomes(t, s, responses(paused))
}
