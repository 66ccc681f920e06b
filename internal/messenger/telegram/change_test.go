package telegram

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// TestChangeWithoutChange edits a message to the text that it has, as after an edit whose
// response was lost: it is Sent. The same response to a new message is not.
func TestChangeWithoutChange(t *testing.T) {
	s := sample
	body := `{"ok":false,"error_code":400,"description":"Bad Request: message is not modified: specified new message content and reply markup are exactly the same"}`
	sent := messenger.Outcome{Kind: messenger.Sent, MessageID: "4711", Reference: "-1001234567890:4711"}
	failed := messenger.Outcome{Kind: messenger.Failed, Scope: messenger.MessageScope, Code: "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"}
	s.Message = sample.Change().Message
	messengertest.CheckOutcomes(t, s, []messengertest.Response{{400, nil, body, sent}})
	s.Message.Reply = true
	messengertest.CheckOutcomes(t, s, []messengertest.Response{{400, nil, body, failed}})
	s.Message.Reply, s.Message.Previous = false, ""
	messengertest.CheckOutcomes(t, s, []messengertest.Response{{400, nil, body, failed}})
}

// TestInterruptedChange interrupts the response to an edit: a 400 may say that the message is as it
// should be, so the edit is repeated. To a new message it is final.
func TestInterruptedChange(t *testing.T) {
	for name, change := range map[string]bool{"an edit": true, "a new message": false} {
		t.Run(name, func(t *testing.T) {
			base := messengertest.Provider(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "1000")
				w.WriteHeader(http.StatusBadRequest)
				_, _ = w.Write([]byte(`{"ok":false,"error_code":400,"description":"Bad Request: message is not mod`))
			})
			m := sample.Change().Message
			want := messenger.Retry
			if !change {
				m.Previous, want = "", messenger.Failed
			}
			o := sample.New(call.Endpoint{Client: messengertest.NewClient(t), Now: time.Now, URL: base}).Send(t.Context(), m)
			if o.Kind != want || o.Status != http.StatusBadRequest {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestPreviousOfAnotherChat sends a new message where the previous one is in another chat:
// ids of messages are those of a chat.
func TestPreviousOfAnotherChat(t *testing.T) {
	for _, previous := range []string{"-1009999999999:4711", "4711", ":4711", "-1001234567890:", "-1001234567890:x", "-1001234567890:-1"} {
		m := sample.Change().Message
		m.Previous = previous
		if request := string(messengertest.Request(t, sample, m, false)); !strings.Contains(request, "/sendMessage") || strings.Contains(request, "4711") {
			t.Errorf("%s: %s", previous, request)
		}
	}
}

// TestAckLinkWithoutButton sends a link that Telegram refuses in a button as a line.
func TestAckLinkWithoutButton(t *testing.T) {
	for link, button := range map[string]bool{
		"https://bongsu.example/ack?t=1": true, "http://127.0.0.1:18091/ack?t=1": true, "http://[::1]:18091/ack": true,
		"http://localhost:18091/ack?t=1": false, "http://bongsu:18080/ack": false,
		"https://bongsu.example/ack?t=" + strings.Repeat("x", 3_000): false,
	} {
		m := sample.Change().Message
		m.Previous, m.AckURL = "", link
		long := len(link) > 1_000
		request := string(messengertest.Request(t, sample, m, long))
		if strings.Contains(request, `"inline_keyboard"`) != button || strings.Contains(request, `\n\nAcknowledge: `+link) == (button || long) {
			t.Errorf("%.50s: %s", link, request)
		}
	}
}
