// Package telegram sends as a bot of Telegram. Documentation:
// https://core.telegram.org/bots/api.
//
// Limits: about 30 messages a second per bot, 17 a minute per chat; a text has at most
// 4,096 characters.
//
// Incidents: the bot edits the message of an incident, and answers it by a message that
// refers to it. An edit that changes nothing is Sent.
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

// Send posts the message to the chat, or edits the previous one of the incident
// (https://core.telegram.org/bots/api#editmessagetext).
func (t Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	if err := checkBotToken(m.Credential); err != nil {
		return call.BadCredential(err)
	}
	text, cut := requestOf(m)
	text.ChatID = chatID(m.Destination)
	method, previous := "sendMessage", previousOf(m)
	switch {
	case previous != 0 && m.Reply:
		text.Reply = &replyParameters{previous, true}
	case previous != 0:
		method, text.MessageID = "editMessageText", previous
	}
	res, o := t.callMethod(ctx, m.Credential, method, text)
	o = withReference(res.refineChange(o, m, previous), m, previous)
	o.Truncated = cut
	return redactOutcome(o, m.Credential, call.AckSecrets(m)...)
}

// Verify gets the bot and the chat (https://core.telegram.org/bots/api#getme,
// https://core.telegram.org/bots/api#getchat).
func (t Messenger) Verify(ctx context.Context, credential, destination string) messenger.Outcome {
	if err := checkBotToken(credential); err != nil {
		return call.BadCredential(err)
	}
	if _, o := t.callMethod(ctx, credential, "getMe", struct{}{}); o.Kind != messenger.Sent {
		return redactOutcome(o, credential)
	}
	_, o := t.callMethod(ctx, credential, "getChat", struct {
		ChatID any `json:"chat_id"`
	}{chatID(destination)})
	return redactOutcome(o, credential)
}

// callMethod calls a method. The outcome must be redacted.
func (t Messenger) callMethod(ctx context.Context, token, method string, arguments any) (reply, messenger.Outcome) {
	r := t.endpoint.Post(ctx, "https://api.telegram.org/bot"+token+"/"+method, call.JSON(arguments), http.Header{
		"Content-Type": {"application/json"},
	})
	res := call.ReadJSON[reply](r)
	res.interrupted = r.Err != nil
	return res, res.refine(t.endpoint.Outcome(r))
}

// redactOutcome returns the outcome of a call with a token and other secrets.
func redactOutcome(o messenger.Outcome, token string, secrets ...string) messenger.Outcome {
	_, key, _ := strings.Cut(token, ":")
	return call.Redact(o, append(secrets, token, key)...)
}

// A sendRequest is the request of sendMessage and of editMessageText. An edit without a
// markup removes the buttons.
type sendRequest struct {
	ChatID    any             `json:"chat_id"`
	Text      string          `json:"text"`
	ParseMode string          `json:"parse_mode,omitempty"`
	Preview   *previewOptions `json:"link_preview_options,omitempty"`

	MessageID int64            `json:"message_id,omitempty"` // of the message to edit
	Reply     *replyParameters `json:"reply_parameters,omitempty"`
	Markup    *replyMarkup     `json:"reply_markup,omitempty"`
}

// replyParameters are the message to answer. AllowWithout sends the answer also if that
// message does not exist.
type replyParameters struct {
	MessageID    int64 `json:"message_id"`
	AllowWithout bool  `json:"allow_sending_without_reply"`
}

// A replyMarkup holds rows of buttons.
type replyMarkup struct {
	Keyboard [][]button `json:"inline_keyboard"`
}

type button struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// statusSigns precede the text of a message that shows a status: it has no colors.
var statusSigns = map[string]string{"resolved": "✅ ", "acknowledged": "👀 "}

type previewOptions struct {
	Disabled bool `json:"is_disabled"`
}

// requestOf returns the text of a message, cut before its link. It is plain text,
// which needs no escapes, unless it has a title, which is bold in HTML. With a link,
// previews are disabled: for a preview Telegram would request the link.
//
// A link to acknowledge is a button or, if Telegram would refuse that, a line.
func requestOf(m messenger.Message) (text sendRequest, cut bool) {
	link := ""
	if ack := m.AckLink(); acceptsButton(ack) {
		text.Markup = &replyMarkup{[][]button{{{messenger.AckLabel, ack}}}}
	} else if line := m.AckLine(); line != "" && messenger.UTF16Len(line) < textLimit/4 {
		link, text.Preview = line, &previewOptions{Disabled: true}
	} else if line != "" { // a truncated link does not work
		cut = true
	}
	if m.Link != "" && messenger.UTF16Len(m.Link) < textLimit/2 {
		link, text.Preview = "\n\n"+m.Link+link, &previewOptions{Disabled: true}
	} else if m.Link != "" {
		cut = true
	}
	m.Link = ""
	sign := statusSigns[m.Status()]
	shown, short := messenger.Truncate(m.PlainText(), textLimit-messenger.UTF16Len(sign+link), messenger.UTF16Len)
	text.Text = shown + link
	if rest, whole := strings.CutPrefix(text.Text, m.Title+"\n"); whole && m.Title != "" {
		text.ParseMode = "HTML"
		text.Text = "<b>" + htmlEscapes.Replace(m.Title) + "</b>\n" + htmlEscapes.Replace(rest)
	}
	text.Text = sign + text.Text
	return text, cut || short
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
