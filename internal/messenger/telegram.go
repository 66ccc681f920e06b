package messenger

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Telegram sends by a bot of Telegram's Bot API
// (https://core.telegram.org/bots/api#sendmessage).
type Telegram struct{ endpoint Endpoint }

var _ Verifier = Telegram{}

// NewTelegram returns a messenger that calls by an endpoint.
func NewTelegram(e Endpoint) Telegram { return Telegram{endpoint: e} }

// Spec describes an address on Telegram.
func (Telegram) Spec() Spec {
	return Spec{
		Name:  "telegram",
		Title: "Telegram",
		Credential: Setting{
			Label:  "Bot token",
			Hint:   "123456789:AA…, from @BotFather",
			Secret: true,
			Check:  checkBotToken,
		},
		Destination: Setting{
			Label: "Chat",
			Hint: "an id such as 123456789 or -1001234567890, or a public channel's name such as @status; a person must have " +
				"written to the bot, a group must have it as a member",
			Check: checkChat,
		},
		Verifiable: true,
		Limits:     Limits{Credential: telegramBot, Destination: telegramChat},
	}
}

// Telegram's rate limits
// (https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this):
// about 30 messages a second in total; one a second per chat, with short bursts; 20 a
// minute per group. Exceeding them pauses the whole bot, so the limit of groups applies
// to every chat: 17 a minute and a burst of 3 are 20 in the busiest minute.
var (
	telegramBot  = ratelimit.Rate{Count: 30, Per: time.Second}
	telegramChat = ratelimit.Rate{Count: 17, Per: time.Minute, Burst: 3}
)

// telegramText is the length of a text, "after entities parsing"
// (https://core.telegram.org/bots/api#sendmessage), in characters of an unspecified
// kind (unverified). There are never more of them than UTF-16 units.
const telegramText = 4096

// Send posts the message to the chat.
func (t Telegram) Send(ctx context.Context, m Message) Outcome {
	if err := checkBotToken(m.Credential); err != nil {
		return badCredentialOutcome(err)
	}
	text, cut := telegramTextOf(m)
	text.ChatID = chatID(m.Destination)
	o := t.ask(ctx, m.Credential, "sendMessage", text)
	o.Truncated = cut
	return o
}

// Verify gets the bot and the chat (https://core.telegram.org/bots/api#getme,
// https://core.telegram.org/bots/api#getchat).
func (t Telegram) Verify(ctx context.Context, credential, destination string) Outcome {
	if err := checkBotToken(credential); err != nil {
		return badCredentialOutcome(err)
	}
	if o := t.ask(ctx, credential, "getMe", struct{}{}); o.Kind != Sent {
		return o
	}
	return t.ask(ctx, credential, "getChat", struct {
		ChatID any `json:"chat_id"`
	}{chatID(destination)})
}

// ask calls a method.
func (t Telegram) ask(ctx context.Context, token, method string, arguments any) Outcome {
	r := t.endpoint.post(ctx, "https://api.telegram.org/bot"+token+"/"+method, marshal(arguments), http.Header{
		"Content-Type": {"application/json"},
	})
	_, key, _ := strings.Cut(token, ":")
	return redactOutcome(readJSON[telegramReply](r).refine(t.endpoint.outcome(r)), token, key)
}

// A telegramMessage is the request of sendMessage.
type telegramMessage struct {
	ChatID    any               `json:"chat_id"`
	Text      string            `json:"text"`
	ParseMode string            `json:"parse_mode,omitempty"`
	Preview   *telegramPreviews `json:"link_preview_options,omitempty"`
}

type telegramPreviews struct {
	Disabled bool `json:"is_disabled"`
}

// telegramTextOf returns the text of a message, cut before its link. It is plain text,
// which needs no escapes, unless it has a title, which is bold in HTML. With a link,
// previews are disabled: for a preview Telegram would request the link.
func telegramTextOf(m Message) (text telegramMessage, cut bool) {
	link := ""
	if m.Link != "" && utf16Len(m.Link) < telegramText/2 {
		link, text.Preview = "\n\n"+m.Link, &telegramPreviews{Disabled: true}
	}
	left := m.Link != "" && link == ""
	m.Link = ""
	text.Text, cut = truncate(m.PlainText(), telegramText-utf16Len(link), utf16Len)
	text.Text += link
	if rest, whole := strings.CutPrefix(text.Text, m.Title+"\n"); whole && m.Title != "" {
		text.ParseMode = "HTML"
		text.Text = "<b>" + telegramEscapes.Replace(m.Title) + "</b>\n" + telegramEscapes.Replace(rest)
	}
	return text, cut || left
}

// telegramEscapes are the characters that must be escaped in HTML
// (https://core.telegram.org/bots/api#html-style).
var telegramEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// chatID returns a destination as Telegram expects it: a number, or a name.
func chatID(destination string) any {
	if id, err := strconv.ParseInt(destination, 10, 64); err == nil {
		return id
	}
	return destination
}

var (
	telegramToken = regexp.MustCompile(`^[0-9]{1,20}:[A-Za-z0-9_-]{1,200}$`)
	telegramID    = regexp.MustCompile(`^(-?[0-9]{1,18}|@[A-Za-z][A-Za-z0-9_]{2,31})$`)
)

// checkBotToken accepts a token that is valid in the path of a call.
func checkBotToken(value string) error {
	if !telegramToken.MatchString(value) {
		return errors.New("must be a bot token such as 123456789:AA…, from @BotFather")
	}
	return nil
}

func checkChat(value string) error {
	if !telegramID.MatchString(value) {
		return errors.New("must be the id of a chat such as 123456789 or -1001234567890, or the name of a public channel such as @status")
	}
	return nil
}
