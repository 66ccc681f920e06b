package mockup

import (
	"encoding/json"
	"fmt"
	"html"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// telegramPath matches a path of Telegram: /bot<token>/<method>. http.ServeMux has no
// such pattern.
var telegramPath = regexp.MustCompile(`^/bot([^/]+)/(\w+)$`)

// telegramCalls returns the handler of the calls to Telegram, and of nothing else.
func (m *Mockup) telegramCalls() http.Handler {
	calls := m.serve(fakeEndpoint{respond: m.telegram})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !telegramPath.MatchString(r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		calls.ServeHTTP(w, r)
	})
}

var telegramToken = regexp.MustCompile(`^[0-9]+:[A-Za-z0-9_-]+$`)

// telegram handles getMe, getChat, sendMessage and editMessageText as Telegram does: the body repeats
// the HTTP status. It accepts every bot and every chat, except for upgraded groups;
// other errors are set by SetFault.
func (m *Mockup) telegram(r *http.Request, body []byte) response {
	path := telegramPath.FindStringSubmatch(r.URL.Path)
	token, method := path[1], path[2]
	if !telegramToken.MatchString(token) {
		return telegramError(http.StatusNotFound, "Not Found", nil)
	}
	var req telegramRequest
	if len(body) > maxBody || json.Unmarshal(body, &req) != nil {
		return telegramError(http.StatusBadRequest, "Bad Request: can't parse the request", nil)
	}
	switch method {
	case "getMe":
		id, _, _ := strings.Cut(token, ":")
		return telegramResult(map[string]any{"id": json.Number(id), "is_bot": true, "first_name": "Bongsu", "username": "bongsu_bot"})
	case "getChat":
		if refused, wrong := req.chatError(); wrong {
			return refused
		}
		return telegramResult(req.chat())
	case "sendMessage":
		return m.telegramMessage(token, req)
	case "editMessageText":
		return m.telegramEdit(token, req)
	}
	return telegramError(http.StatusNotFound, "Not Found", nil)
}

// telegramMessage handles sendMessage.
func (m *Mockup) telegramMessage(token string, req telegramRequest) response {
	text, refused, wrong := m.telegramText(token, req)
	if wrong {
		return refused
	}
	made := Message{
		Provider: "telegram", Destination: req.chatName(), ID: strconv.FormatInt(m.uniqueMicros(), 10),
		Text: text, Owner: token, form: req.form(),
	}
	if parent := req.Reply.MessageID; parent != 0 {
		made.Thread = strconv.FormatInt(parent, 10)
		if _, ok := m.findMessage("telegram", made.Destination, made.Thread); !ok {
			if !req.Reply.AllowWithout {
				return telegramError(http.StatusBadRequest, "Bad Request: message to be replied not found", nil)
			}
			made.Thread = ""
		}
	}
	a := m.telegramShown(made, req)
	a.effect = m.addMessage(made)
	return a
}

// telegramEdit handles editMessageText: of a message of the same bot, to another text.
func (m *Mockup) telegramEdit(token string, req telegramRequest) response {
	text, refused, wrong := m.telegramText(token, req)
	if wrong {
		return refused
	}
	message, ok := m.findMessage("telegram", req.chatName(), strconv.FormatInt(req.MessageID, 10))
	switch {
	case req.MessageID == 0:
		return telegramError(http.StatusBadRequest, "Bad Request: message identifier is not specified", nil)
	case !ok:
		return telegramError(http.StatusBadRequest, "Bad Request: message to edit not found", nil)
	case message.Owner != token:
		return telegramError(http.StatusBadRequest, "Bad Request: message can't be edited", nil)
	case message.Text == text && message.form == req.form():
		return telegramError(http.StatusBadRequest, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message", nil)
	}
	message.Text, message.form = text, req.form()
	a := m.telegramShown(message, req)
	a.effect = m.changeMessage(message)
	return a
}

// telegramShown returns a message that was sent or changed.
func (m *Mockup) telegramShown(v Message, req telegramRequest) response {
	return telegramResult(map[string]any{"message_id": json.Number(v.ID), "chat": req.chat(), "date": m.Now().Unix(), "text": v.Text})
}

// telegramText returns the text of a call to a chat, or its refusal.
func (m *Mockup) telegramText(token string, req telegramRequest) (text string, refused response, wrong bool) {
	refuse := func(description string) (string, response, bool) {
		return "", telegramError(http.StatusBadRequest, "Bad Request: "+description, nil), true
	}
	if wait := m.telegramWait(token, req); wait > 0 {
		after := int(math.Ceil(wait.Seconds()))
		return "", telegramError(http.StatusTooManyRequests, "Too Many Requests: retry after "+strconv.Itoa(after), map[string]any{"retry_after": after}), true
	}
	if refused, wrong := req.chatError(); wrong {
		return "", refused, true
	}
	text, fault := req.shown()
	switch {
	case fault != "":
		return refuse("can't parse entities: " + fault)
	case strings.TrimSpace(text) == "":
		return refuse("message text is empty")
	case len(utf16.Encode([]rune(text))) > 4096:
		return refuse("message is too long")
	}
	if bad := req.badButton(); bad != "" {
		return refuse("inline keyboard button URL '" + bad + "' is invalid: Wrong HTTP URL")
	}
	return text, response{}, false
}

// badButton returns the URL of a button that Telegram refuses, or "": a host must be a
// public name or an address (https://github.com/tdlib/td: LinkManager).
func (req telegramRequest) badButton() string {
	for _, row := range req.Markup.Keyboard {
		for _, button := range row {
			if u, err := url.Parse(button.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || !strings.ContainsAny(u.Hostname(), ".:") {
				return button.URL
			}
		}
	}
	return ""
}

// form returns what Telegram compares, beside the text, to find out whether an edit changes
// a message.
func (req telegramRequest) form() string {
	return fmt.Sprintf("%q %s %v", req.Text, req.ParseMode, req.Markup)
}

// chatName returns the chat as a text.
func (req telegramRequest) chatName() string { return strings.Trim(string(req.ChatID), `"`) }

// telegramWait takes a message to a chat from the rate limits: one a second to a person
// with short bursts, 20 a minute to a group or channel, 30 a second in total (see
// internal/messenger/telegram). Exceeding one pauses the whole bot.
func (m *Mockup) telegramWait(token string, req telegramRequest) time.Duration {
	bot := "telegram " + token
	if wait := m.pausedFor(bot); wait > 0 {
		return wait
	}
	perSecond, burst := 1.0, 3
	if id := string(req.ChatID); strings.ContainsAny(id, "-@") {
		perSecond, burst = 20.0/60, 20
	}
	wait := m.takeLimit(bot, 30, 30)
	if wait == 0 {
		wait = m.takeLimit(bot+" "+string(req.ChatID), perSecond, burst)
	}
	if wait > 0 {
		m.pauseKey(bot, wait)
	}
	return wait
}

// telegramRequest holds the parameters of the methods.
type telegramRequest struct {
	ChatID    json.RawMessage `json:"chat_id"` // a number, or a string
	Text      string          `json:"text"`
	ParseMode string          `json:"parse_mode"`
	MessageID int64           `json:"message_id"` // of the message to edit
	Reply     struct {
		MessageID    int64 `json:"message_id"`
		AllowWithout bool  `json:"allow_sending_without_reply"`
	} `json:"reply_parameters"`
	Markup struct {
		Keyboard [][]struct {
			Text string `json:"text"`
			URL  string `json:"url"`
		} `json:"inline_keyboard"`
	} `json:"reply_markup"`
}

var (
	telegramChat = regexp.MustCompile(`^(-?[0-9]+|"-?[0-9]+"|"@[A-Za-z][A-Za-z0-9_]+")$`)
	// A group whose id ends in 99 was upgraded to a supergroup, with the same id after
	// the prefix -100.
	telegramUpgraded = regexp.MustCompile(`^"?-([2-9]\d*99)"?$`)
)

// chatError returns the error for a chat that does not exist, or was upgraded.
func (req telegramRequest) chatError() (refused response, wrong bool) {
	id := string(req.ChatID)
	if id == "" || id == `""` || id == "null" {
		return telegramError(http.StatusBadRequest, "Bad Request: chat_id is empty", nil), true
	}
	if !telegramChat.MatchString(id) {
		return telegramError(http.StatusBadRequest, "Bad Request: chat not found", nil), true
	}
	if old := telegramUpgraded.FindStringSubmatch(id); old != nil {
		return telegramError(http.StatusBadRequest, "Bad Request: group chat was upgraded to a supergroup chat",
			map[string]any{"migrate_to_chat_id": json.Number("-100" + old[1])}), true
	}
	return response{}, false
}

// chat returns a chat.
func (req telegramRequest) chat() map[string]any {
	id := req.chatName()
	switch {
	case strings.HasPrefix(id, "@"):
		return map[string]any{"id": json.Number("-1001000000000"), "type": "channel", "username": id[1:]}
	case strings.HasPrefix(id, "-100"):
		return map[string]any{"id": json.Number(id), "type": "supergroup"}
	case strings.HasPrefix(id, "-"):
		return map[string]any{"id": json.Number(id), "type": "group"}
	}
	return map[string]any{"id": json.Number(id), "type": "private"}
}

var telegramTag = regexp.MustCompile(`</?(b|strong|i|em|u|s|a|code|pre)( [^<>]*)?>`)

// shown returns the text as it is displayed, or the error of its HTML.
func (req telegramRequest) shown() (text, fault string) {
	if req.ParseMode != "HTML" {
		return req.Text, ""
	}
	bare := telegramTag.ReplaceAllString(req.Text, "")
	if at := strings.IndexByte(bare, '<'); at >= 0 {
		return "", "Unsupported start tag at byte offset " + strconv.Itoa(at)
	}
	return html.UnescapeString(bare), ""
}

func telegramResult(result any) response {
	return jsonResponse(http.StatusOK, struct {
		OK     bool `json:"ok"`
		Result any  `json:"result"`
	}{true, result})
}

func telegramError(code int, description string, parameters map[string]any) response {
	return jsonResponse(code, struct {
		OK          bool           `json:"ok"`
		ErrorCode   int            `json:"error_code"`
		Description string         `json:"description"`
		Parameters  map[string]any `json:"parameters,omitempty"`
	}{false, code, description, parameters})
}
