package mockup_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	mockupv1 "github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1"
	"github.com/bongsu-project/bongsu/gen/go/bongsu/mockup/v1/mockupv1connect"
)

// listMessages returns the messages of a provider.
func listMessages(t *testing.T, client mockupv1connect.MockupServiceClient, provider string) []*mockupv1.Message {
	t.Helper()
	res, err := client.ListMessages(t.Context(), &mockupv1.ListMessagesRequest{Provider: provider})
	if err != nil {
		t.Fatal(err)
	}
	return res.GetMessages()
}

// A thread is how a provider makes, changes and answers a message.
type thread struct {
	provider    string
	destination string
	send        func(text, parent string) probe
	change      func(id, text string) probe
	id          func(body string) string
	gone        string // part of the response to a change of an unknown message
	foreign     string // part of the response to a change with another credential; empty: as gone
}

func bodyOf(parts map[string]any) string {
	body, _ := json.Marshal(parts) // strings and numbers always marshal
	return string(body)
}

// fieldOf returns a number or a string of a response.
func fieldOf(path ...string) func(body string) string {
	return func(body string) string {
		var value any
		decoder := json.NewDecoder(strings.NewReader(body))
		decoder.UseNumber()
		if decoder.Decode(&value) != nil {
			return ""
		}
		for _, name := range path {
			object, _ := value.(map[string]any)
			value = object[name]
		}
		if number, ok := value.(json.Number); ok {
			return number.String()
		}
		text, _ := value.(string)
		return text
	}
}

var threads = map[string]thread{
	"slack": {
		provider: "slack", destination: "C1",
		send: func(text, parent string) probe {
			return probe{target: postMessage, header: map[string]string{"Authorization": "Bearer TOKEN"}, body: bodyOf(map[string]any{"channel": "C1", "text": text, "thread_ts": parent})}
		},
		change: func(id, text string) probe {
			return probe{target: "/api/chat.update", header: map[string]string{"Authorization": "Bearer TOKEN"}, body: bodyOf(map[string]any{"channel": "C1", "ts": id, "text": text, "blocks": []string{}, "attachments": []string{}})}
		},
		id: fieldOf("ts"), gone: `"error":"message_not_found"`, foreign: `"error":"cant_update_message"`,
	},
	"telegram": {
		provider: "telegram", destination: "42",
		send: func(text, parent string) probe {
			reply := map[string]any{"message_id": json.Number("0"), "allow_sending_without_reply": true}
			if parent != "" {
				reply["message_id"] = json.Number(parent)
			}
			return probe{target: "/bot123:TOKEN/sendMessage", body: bodyOf(map[string]any{"chat_id": 42, "text": text, "reply_parameters": reply})}
		},
		change: func(id, text string) probe {
			return probe{target: "/bot123:TOKEN/editMessageText", body: bodyOf(map[string]any{"chat_id": 42, "message_id": json.Number(id), "text": text})}
		},
		id: fieldOf("result", "message_id"), gone: "message to edit not found", foreign: "message can't be edited",
	},
	"discordbot": {
		provider: "discordbot", destination: "323456789012345678",
		send: func(text, parent string) probe {
			return probe{target: "/api/v10/channels/323456789012345678/messages", header: map[string]string{"Authorization": "Bot TOKEN"}, body: bodyOf(map[string]any{"content": text, "message_reference": map[string]any{"message_id": parent, "fail_if_not_exists": false}})}
		},
		change: func(id, text string) probe {
			return probe{method: http.MethodPatch, target: "/api/v10/channels/323456789012345678/messages/" + id, header: map[string]string{"Authorization": "Bot TOKEN"}, body: bodyOf(map[string]any{"content": text})}
		},
		id: fieldOf("id"), gone: `"code":10008`, foreign: `"code":50005`,
	},
	"discord": {
		provider: "discord", destination: "123456789012345678",
		send: func(text, _ string) probe {
			return probe{target: "/api/v10/webhooks/123456789012345678/TOKENTOKEN?wait=true&thread_id=5", body: bodyOf(map[string]any{"content": text})}
		},
		change: func(id, text string) probe {
			return probe{method: http.MethodPatch, target: "/api/v10/webhooks/123456789012345678/TOKENTOKEN/messages/" + id + "?thread_id=5", body: bodyOf(map[string]any{"content": text})}
		},
		id: fieldOf("id"), gone: `"code":10008`,
	},
}

// foreignOf returns a probe with another credential.
func (p probe) foreignOf() probe {
	p.target = strings.Replace(p.target, "TOKEN", "OTHER", 1)
	for name, value := range p.header {
		p.header = map[string]string{name: strings.Replace(value, "TOKEN", "OTHER", 1)}
	}
	return p
}

// TestMessages makes, changes and answers messages: users see each as its last change left
// it, and a call that is refused, by the fake or by a fault, has no effect.
func TestMessages(t *testing.T) {
	for name, c := range threads {
		t.Run(name, func(t *testing.T) {
			_, _, server, client := serveMockup(t)
			_, body, _ := c.send("down", "").send(t, server)
			first := c.id(body)
			if first == "" {
				t.Fatalf("no id in %s", body)
			}
			_, reply, _ := c.send("worse", first).send(t, server)
			for _, text := range []string{"up", "up again"} {
				if _, body, _ := c.change(first, text).send(t, server); c.id(body) != first {
					t.Errorf("changed %s", body)
				}
			}
			refusals(t, c, server, client, first)

			seen := listMessages(t, client, c.provider)
			if len(seen) != 2 || seen[0].GetId() != first || seen[0].GetText() != "up again" || seen[0].GetChangeCount() != 2 || seen[0].GetDestination() != c.destination || seen[0].GetThread() != "" {
				t.Fatalf("users see %v", seen)
			}
			if seen[1].GetId() != c.id(reply) || seen[1].GetText() != "worse" || seen[1].GetChangeCount() != 0 || seen[1].GetThread() != first && c.provider != "discord" {
				t.Errorf("the answer is %v", seen[1])
			}
			if all := listMessages(t, client, ""); len(all) != 2 || len(listMessages(t, client, "ntfy")) != 0 {
				t.Errorf("all are %v", all)
			}
			if _, err := client.Reset(t.Context(), &mockupv1.ResetRequest{}); err != nil {
				t.Fatal(err)
			}
			if _, body, _ := c.change(first, "x").send(t, server); !strings.Contains(body, c.gone) || len(listMessages(t, client, "")) != 0 {
				t.Errorf("after a reset: %s", body)
			}
		})
	}
}

// refusals makes calls that are refused: of an unknown message, with another credential, and
// by faults.
func refusals(t *testing.T, c thread, server *httptest.Server, client mockupv1connect.MockupServiceClient, first string) {
	t.Helper()
	if _, body, _ := c.change("1234567890123456", "x").send(t, server); !strings.Contains(body, c.gone) {
		t.Errorf("unknown message: %s", body)
	}
	foreign := c.foreign
	if foreign == "" {
		foreign = c.gone
	}
	if _, body, _ := c.change(first, "x").foreignOf().send(t, server); !strings.Contains(body, foreign) {
		t.Errorf("with another credential: %s", body)
	}
	for _, f := range []*mockupv1.Fault{{Status: http.StatusInternalServerError}, {Status: http.StatusTooManyRequests}, {Body: `{"ok":false}`}} {
		setFault(t, client, f)
		for _, p := range []probe{c.change(first, "x"), c.send("x", ""), c.send("x", first)} {
			p.send(t, server)
		}
	}
	setFault(t, client, &mockupv1.Fault{})
}

// TestChangeIsLimited changes messages faster than the provider allows: the changes above
// the limit have no effect.
func TestChangeIsLimited(t *testing.T) {
	for name, burst := range map[string]int{"slack": 50, "telegram": 3, "discordbot": 5, "discord": 5} {
		t.Run(name, func(t *testing.T) {
			_, _, server, client := serveMockup(t)
			c := threads[name]
			_, body, _ := c.send("down", "").send(t, server)
			first := c.id(body)
			if _, err := client.SetLimits(t.Context(), &mockupv1.SetLimitsRequest{Kept: true}); err != nil {
				t.Fatal(err)
			}
			for i := range burst {
				if status, body, _ := c.change(first, strings.Repeat("x", i+1)).send(t, server); status != http.StatusOK {
					t.Fatalf("change %d: %d %s", i, status, body)
				}
			}
			status, body, _ := c.change(first, "too soon").send(t, server)
			if seen := listMessages(t, client, ""); status != http.StatusTooManyRequests || seen[0].GetText() != strings.Repeat("x", burst) || seen[0].GetChangeCount() != int32(burst) {
				t.Errorf("above the limit: %d %s, and users see %v", status, body, seen)
			}
		})
	}
}
