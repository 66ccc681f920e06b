package mockup_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const telegramSend = "/bot123456789:AA-b_c/sendMessage"

func TestTelegramTakesAMessage(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	for body, want := range map[string]string{
		`{"chat_id":-1001234567890,"text":"[normal] node1 down"}`:       `"text":"[normal] node1 down"`,
		`{"chat_id":"@status","text":"a<b"}`:                            `"text":"a\u003cb"`, // no HTML without parse_mode
		`{"chat_id":"42","text":"<b>a</b> &lt;","parse_mode":"HTML"}`:   `"text":"a \u003c"`,
		`{"chat_id":42,"text":"` + strings.Repeat("x", 4096) + `"}`:     `"type":"private"`,
		`{"chat_id":-4,"text":"x","link_preview_options":{"a":"more"}}`: `"type":"group"`,
	} {
		status, answer, header := postTo(t, server, telegramSend, body)
		if status != http.StatusOK || !strings.HasPrefix(answer, `{"ok":true,"result":{`) || !strings.Contains(answer, `"message_id":`) || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s", body, status, answer)
		}
		if header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%v", header)
		}
	}
	if calls := m.Calls(telegramSend); len(calls) != 5 {
		t.Errorf("recorded %d calls", len(calls))
	}
}

func TestTelegramRefuses(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	for _, c := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"/botnonsense/sendMessage", `{}`, 404, `"error_code":404,"description":"Not Found"`},
		{"/bot1:a/makeCoffee", `{}`, 404, `"description":"Not Found"`},
		{telegramSend, `{`, 400, `"error_code":400,"description":"Bad Request: can't parse the request"`},
		{telegramSend, `{"text":"x"}`, 400, `Bad Request: chat_id is empty`},
		{telegramSend, `{"chat_id":"","text":"x"}`, 400, `Bad Request: chat_id is empty`},
		{telegramSend, `{"chat_id":"someone","text":"x"}`, 400, `Bad Request: chat not found`},
		{telegramSend, `{"chat_id":true,"text":"x"}`, 400, `Bad Request: chat not found`},
		{telegramSend, `{"chat_id":1}`, 400, `Bad Request: message text is empty`},
		{telegramSend, `{"chat_id":1,"text":"<b> </b>","parse_mode":"HTML"}`, 400, `Bad Request: message text is empty`},
		{telegramSend, `{"chat_id":1,"text":"a<x>","parse_mode":"HTML"}`, 400, `Bad Request: can't parse entities: Unsupported start tag at byte offset 1`},
		{telegramSend, `{"chat_id":1,"text":"` + strings.Repeat("x", 4097) + `"}`, 400, `Bad Request: message is too long`},
		{telegramSend, `{"chat_id":1,"text":"` + strings.Repeat("🔥", 2049) + `"}`, 400, `Bad Request: message is too long`},
		{telegramSend, `{"chat_id":-4299,"text":"x"}`, 400, `"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1004299}`},
		{"/bot1:a/getChat", `{"chat_id":-4299}`, 400, `"migrate_to_chat_id":-1004299`},
		{"/bot1:a/getChat", `{"chat_id":"someone"}`, 400, `Bad Request: chat not found`},
	} {
		status, answer, _ := postTo(t, server, c.path, c.body)
		if status != c.status || !strings.HasPrefix(answer, `{"ok":false,`) || !strings.Contains(answer, c.want) {
			t.Errorf("%s %.80s: %d %s, want %d %s", c.path, c.body, status, answer, c.status, c.want)
		}
	}
	if status, answer, _ := postTo(t, server, telegramSend, `{"chat_id":-1004299,"text":"x"}`); status != http.StatusOK {
		t.Errorf("the upgraded group: %d %s", status, answer)
	}
}

func TestTelegramBotsAndChats(t *testing.T) {
	_, _, server, _ := serveMockup(t)
	for path, want := range map[string]string{"getMe": `"id":123456789,"is_bot":true`, "getChat": `"type":"supergroup"`} {
		if status, answer, _ := postTo(t, server, "/bot123456789:a/"+path, `{"chat_id":-1001}`); status != http.StatusOK || !strings.Contains(answer, want) {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
}

// TestTelegramLimit exceeds the rate limit of a chat: the whole bot is paused, and no
// other bot.
func TestTelegramLimit(t *testing.T) {
	m, _, server, _ := serveMockup(t)
	now := noon
	m.Now = func() time.Time { return now }
	m.SetLimited(true)
	send := func(bot, chat string) (int, string) {
		status, answer, _ := postTo(t, server, "/bot"+bot+":a/sendMessage", `{"chat_id":`+chat+`,"text":"x"}`)
		return status, answer
	}
	for i := range 20 {
		if status, answer := send("1", "-100"); status != http.StatusOK {
			t.Fatalf("message %d to a group: %d %s", i, status, answer)
		}
	}
	if status, answer := send("1", "-100"); status != http.StatusTooManyRequests || !strings.HasSuffix(answer, `"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}`) {
		t.Errorf("message 21: %d %s", status, answer)
	}
	if status, _ := send("1", "7"); status != http.StatusTooManyRequests {
		t.Errorf("another chat of the bot: %d", status)
	}
	if status, _ := send("2", "-100"); status != http.StatusOK {
		t.Errorf("another bot: %d", status)
	}
	now = now.Add(3 * time.Second)
	for i, want := range []int{200, 200, 200, 429} {
		if status, answer := send("1", "7"); status != want {
			t.Errorf("later, message %d to a person: %d %s", i, status, answer)
		}
	}
	m.Reset()
	if status, _ := send("1", "7"); status != http.StatusOK {
		t.Errorf("after Reset: %d", status)
	}
}
