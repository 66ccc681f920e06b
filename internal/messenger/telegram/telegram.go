// Package telegram sends as a bot of Telegram. Documentation:
// https://core.telegram.org/bots/api.
//
// Limits: about 30 messages a second per bot, 17 a minute per chat; a text has at most
// 4,096 characters.
//
// Outcomes: Sent needs "ok": true in the body. A 429 pauses the bot for its retry_after.
// Errors of one code differ only in their descriptions, which tell the chat from the
// message. A group that became a supergroup has a new id: the outcome is Retry, with the
// new destination.
package telegram

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Messenger sends by a bot of Telegram's Bot API
// (https://core.telegram.org/bots/api#sendmessage).
type Messenger struct{ endpoint call.Endpoint }

var _ messenger.Verifier = Messenger{}

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// Spec describes an address on Telegram.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "telegram",
		Title: "Telegram",
		Credential: messenger.Setting{
			Label:  "Bot token",
			Hint:   "123456789:AA…, from @BotFather",
			Secret: true,
			Check:  checkBotToken,
		},
		Destination: messenger.Setting{
			Label: "Chat",
			Hint: "an id such as 123456789 or -1001234567890, or a public channel's name such as @status; a person must have " +
				"written to the bot, a group must have it as a member",
			Check: checkChat,
		},
		Verifiable: true,
		Limits:     messenger.Limits{Credential: botRate, Destination: chatRate},
	}
}

// Telegram's rate limits
// (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this):
// about 30 messages a second in total; one a second per chat, with short bursts; 20 a
// minute per group. Exceeding them pauses the whole bot, so the limit of groups applies
// to every chat: 17 a minute and a burst of 3 are 20 in the busiest minute.
var (
	botRate  = ratelimit.Rate{Count: 30, Per: time.Second}
	chatRate = ratelimit.Rate{Count: 17, Per: time.Minute, Burst: 3}
)

// textLimit is the length of a text, "after entities parsing"
// (https://core.telegram.org/bots/api#sendmessage), in characters of an unspecified
// kind (unverified). There are never more of them than UTF-16 units.
const textLimit = 4096

// Send posts the message to the chat.
func (t Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	if err := checkBotToken(m.Credential); err != nil {
		return call.BadCredential(err)
	}
	text, cut := requestOf(m)
	text.ChatID = chatID(m.Destination)
	o := t.callMethod(ctx, m.Credential, "sendMessage", text)
	o.Truncated = cut
	return o
}

// Verify gets the bot and the chat (https://core.telegram.org/bots/api#getme,
// https://core.telegram.org/bots/api#getchat).
func (t Messenger) Verify(ctx context.Context, credential, destination string) messenger.Outcome {
	if err := checkBotToken(credential); err != nil {
		return call.BadCredential(err)
	}
	if o := t.callMethod(ctx, credential, "getMe", struct{}{}); o.Kind != messenger.Sent {
		return o
	}
	return t.callMethod(ctx, credential, "getChat", struct {
		ChatID any `json:"chat_id"`
	}{chatID(destination)})
}

// callMethod calls a method.
func (t Messenger) callMethod(ctx context.Context, token, method string, arguments any) messenger.Outcome {
	r := t.endpoint.Post(ctx, "https://api.telegram.org/bot"+token+"/"+method, call.JSON(arguments), http.Header{
		"Content-Type": {"application/json"},
	})
	_, key, _ := strings.Cut(token, ":")
	return call.Redact(call.ReadJSON[reply](r).refine(t.endpoint.Outcome(r)), token, key)
}

// A sendRequest is the request of sendMessage.
type sendRequest struct {
	ChatID    any             `json:"chat_id"`
	Text      string          `json:"text"`
	ParseMode string          `json:"parse_mode,omitempty"`
	Preview   *previewOptions `json:"link_preview_options,omitempty"`
}

type previewOptions struct {
	Disabled bool `json:"is_disabled"`
}

// requestOf returns the text of a message, cut before its link. It is plain text,
// which needs no escapes, unless it has a title, which is bold in HTML. With a link,
// previews are disabled: for a preview Telegram would request the link.
func requestOf(m messenger.Message) (text sendRequest, cut bool) {
	link := ""
	if m.Link != "" && messenger.UTF16Len(m.Link) < textLimit/2 {
		link, text.Preview = "\n\n"+m.Link, &previewOptions{Disabled: true}
	}
	left := m.Link != "" && link == ""
	m.Link = ""
	text.Text, cut = messenger.Truncate(m.PlainText(), textLimit-messenger.UTF16Len(link), messenger.UTF16Len)
	text.Text += link
	if rest, whole := strings.CutPrefix(text.Text, m.Title+"\n"); whole && m.Title != "" {
		text.ParseMode = "HTML"
		text.Text = "<b>" + htmlEscapes.Replace(m.Title) + "</b>\n" + htmlEscapes.Replace(rest)
	}
	return text, cut || left
}

// htmlEscapes are the characters that must be escaped in HTML
// (https://core.telegram.org/bots/api#html-style).
var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// chatID returns a destination as Telegram expects it: a number, or a name.
func chatID(destination string) any {
	if id, err := strconv.ParseInt(destination, 10, 64); err == nil {
		return id
	}
	return destination
}

var (
	tokenPattern = regexp.MustCompile(`^[0-9]{1,20}:[A-Za-z0-9_-]{1,200}$`)
	chatPattern  = regexp.MustCompile(`^(-?[0-9]{1,18}|@[A-Za-z][A-Za-z0-9_]{2,31})$`)
)

// checkBotToken accepts a token that is valid in the path of a call.
func checkBotToken(value string) error {
	if !tokenPattern.MatchString(value) {
		return errors.New("must be a bot token such as 123456789:AA…, from @BotFather")
	}
	return nil
}

func checkChat(value string) error {
	if !chatPattern.MatchString(value) {
		return errors.New("must be the id of a chat such as 123456789 or -1001234567890, or the name of a public channel such as @status")
	}
	return nil
}
