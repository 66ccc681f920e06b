package mockup

import (
	"encoding/json"
	"html"
	"math"
	"net/http"
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

// telegram handles getMe, getChat and sendMessage as Telegram does: the body repeats
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
	}
	return telegramError(http.StatusNotFound, "Not Found", nil)
}

// telegramMessage handles sendMessage.
func (m *Mockup) telegramMessage(token string, req telegramRequest) response {
	if wait := m.telegramWait(token, req); wait > 0 {
		after := int(math.Ceil(wait.Seconds()))
		return telegramError(http.StatusTooManyRequests, "Too Many Requests: retry after "+strconv.Itoa(after), map[string]any{"retry_after": after})
	}
	if refused, wrong := req.chatError(); wrong {
		return refused
	}
	text, fault := req.shown()
	switch {
	case fault != "":
		return telegramError(http.StatusBadRequest, "Bad Request: can't parse entities: "+fault, nil)
	case strings.TrimSpace(text) == "":
		return telegramError(http.StatusBadRequest, "Bad Request: message text is empty", nil)
	case len(utf16.Encode([]rune(text))) > 4096:
		return telegramError(http.StatusBadRequest, "Bad Request: message is too long", nil)
	}
	return telegramResult(map[string]any{"message_id": m.uniqueMicros(), "chat": req.chat(), "date": m.Now().Unix(), "text": text})
}

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
	id := strings.Trim(string(req.ChatID), `"`)
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
