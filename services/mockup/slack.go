package mockup

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode"
)

// slackCut is the length, in characters, at which Slack truncates a text.
const slackCut = 40_000

// slack handles chat.postMessage as Slack does: with HTTP 200 for every result, and the
// result in the body. It accepts every token and every channel; errors that depend on
// those are set by SetFault.
func (m *Mockup) slack(r *http.Request, body []byte) response {
	if code := slackAuth(r.Header.Get("Authorization")); code != "" {
		return slackError(code)
	}
	if code := slackForm(r.Header.Get("Content-Type")); code != "" {
		return slackError(code)
	}
	if len(body) > maxBody {
		return slackError("msg_too_long")
	}
	var post struct {
		Channel *string      `json:"channel"`
		Text    string       `json:"text"`
		Blocks  []slackBlock `json:"blocks"`
	}
	if !json.Valid(body) {
		return slackError("invalid_json")
	}
	if strings.TrimLeft(string(body), " \t\r\n")[0] != '{' {
		return slackError("json_not_object")
	}
	if err := json.Unmarshal(body, &post); err != nil || post.Channel == nil {
		return slackError("invalid_arguments") // a field has another type, or there is no channel
	}
	if *post.Channel == "" {
		return slackError("channel_not_found")
	}
	if post.Text == "" && len(post.Blocks) == 0 {
		return slackError("no_text")
	}
	if code := slackBlocks(post.Blocks); code != "" {
		return slackError(code)
	}
	// One message a second per channel, with short bursts: see internal/messenger/slack.
	if wait := m.takeLimit("slack "+r.Header.Get("Authorization")+" "+*post.Channel, 1, 3); wait > 0 {
		busy := slackError("ratelimited")
		busy.status, busy.headers["Retry-After"] = http.StatusTooManyRequests, seconds(wait)
		return busy
	}
	at := m.uniqueMicros()
	return jsonResponse(http.StatusOK, slackReply{
		OK:      true,
		Channel: *post.Channel,
		TS:      fmt.Sprintf("%d.%06d", at/1e6, at%1e6),
		Message: &slackMessage{truncate(post.Text, slackCut)},
	})
}

// slackReply is a response of Slack, with its fields in Slack's order.
type slackReply struct {
	OK      bool          `json:"ok"`
	Error   string        `json:"error,omitempty"`
	Channel string        `json:"channel,omitempty"`
	TS      string        `json:"ts,omitempty"`
	Message *slackMessage `json:"message,omitempty"`
}

type slackMessage struct {
	Text string `json:"text"`
}

// slackAuth returns Slack's error for an Authorization header, or "".
func slackAuth(header string) string {
	token, found := strings.CutPrefix(header, "Bearer ")
	switch {
	case !found || token == "":
		return "not_authed"
	case strings.ContainsFunc(token, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsSpace(r) }):
		return "invalid_auth"
	default:
		return ""
	}
}

// slackForm returns Slack's error for a Content-Type, or "". Slack accepts forms too;
// the fake reads JSON only, and rejects a form as empty.
func slackForm(header string) string {
	if header == "" {
		return "missing_post_type"
	}
	switch form, _, _ := mime.ParseMediaType(header); form {
	case "application/json":
		return ""
	case "application/x-www-form-urlencoded", "multipart/form-data":
		return "invalid_form_data"
	default:
		return "invalid_post_type"
	}
}

func slackError(code string) response { return jsonResponse(http.StatusOK, slackReply{Error: code}) }

// truncate returns the first n characters of s.
func truncate(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
