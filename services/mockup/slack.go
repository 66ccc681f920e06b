package mockup

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// slackCut is the length, in characters, at which Slack truncates a text.
const slackCut = 40_000

// slackPost is the part of chat.postMessage and chat.update that the fake supports.
type slackPost struct {
	Channel     *string           `json:"channel"`
	TS          *string           `json:"ts"` // of the message to change
	ThreadTS    string            `json:"thread_ts"`
	Text        string            `json:"text"`
	Blocks      []slackBlock      `json:"blocks"`
	Attachments []slackAttachment `json:"attachments"`
}

// readSlackPost decodes and validates a request, or returns Slack's error for it.
func readSlackPost(r *http.Request, body []byte) (post slackPost, refusal string) {
	if code := slackAuth(r.Header.Get("Authorization")); code != "" {
		return post, code
	}
	if code := slackForm(r.Header.Get("Content-Type")); code != "" {
		return post, code
	}
	if len(body) > maxBody {
		return post, "msg_too_long"
	}
	if !json.Valid(body) {
		return post, "invalid_json"
	}
	if strings.TrimLeft(string(body), " \t\r\n")[0] != '{' {
		return post, "json_not_object"
	}
	if err := json.Unmarshal(body, &post); err != nil || post.Channel == nil {
		return post, "invalid_arguments" // a field has another type, or there is no channel
	}
	if *post.Channel == "" {
		return post, "channel_not_found"
	}
	if post.Text == "" && len(post.Blocks) == 0 && len(post.Attachments) == 0 {
		return post, "no_text"
	}
	if code := slackAttachments(post.Attachments); code != "" {
		return post, code
	}
	return post, slackBlocks(post.Blocks)
}

// slack handles chat.postMessage as Slack does: with HTTP 200 for every result, and the
// result in the body. It accepts every token and every channel; errors that depend on
// those are set by SetFault.
func (m *Mockup) slack(r *http.Request, body []byte) response {
	post, refusal := readSlackPost(r, body)
	if refusal != "" {
		return slackError(refusal)
	}
	token := r.Header.Get("Authorization")
	if post.ThreadTS != "" {
		parent, ok := m.findMessage("slack", *post.Channel, post.ThreadTS)
		if !ok {
			return slackError("thread_not_found") // unverified: Slack does not document its error
		}
		if parent.Thread != "" { // the thread of an answer is that of its parent
			post.ThreadTS = parent.Thread
		}
	}
	// One message a second per channel, with short bursts: see internal/messenger/slack.
	if wait := m.takeLimit("slack "+token+" "+*post.Channel, 1, 3); wait > 0 {
		return slackBusy(wait)
	}
	at := m.uniqueMicros()
	text := truncate(post.Text, slackCut)
	made := Message{Provider: "slack", Destination: *post.Channel, ID: fmt.Sprintf("%d.%06d", at/1e6, at%1e6), Thread: post.ThreadTS, Text: text, Owner: token}
	a := jsonResponse(http.StatusOK, slackReply{OK: true, Channel: made.Destination, TS: made.ID, Message: &slackMessage{text}})
	a.effect = m.addMessage(made)
	return a
}

// slackUpdate handles chat.update: the message must exist, and must have been made with the
// same token. Tier 3 is "50+ per minute" for a workspace
// (https://docs.slack.dev/apis/web-api/rate-limits).
func (m *Mockup) slackUpdate(r *http.Request, body []byte) response {
	post, refusal := readSlackPost(r, body)
	switch {
	case refusal != "":
		return slackError(refusal)
	case post.TS == nil:
		return slackError("invalid_arguments")
	}
	token := r.Header.Get("Authorization")
	message, ok := m.findMessage("slack", *post.Channel, *post.TS)
	switch {
	case !ok:
		return slackError("message_not_found")
	case message.Owner != token:
		return slackError("cant_update_message")
	}
	if wait := m.takeLimit("slack update "+token, 50.0/60, 50); wait > 0 {
		return slackBusy(wait)
	}
	message.Text = truncate(post.Text, slackCut)
	a := jsonResponse(http.StatusOK, slackReply{OK: true, Channel: message.Destination, TS: message.ID, Text: message.Text, Message: &slackMessage{message.Text}})
	a.effect = m.changeMessage(message)
	return a
}

func slackBusy(wait time.Duration) response {
	busy := slackError("ratelimited")
	busy.status, busy.headers["Retry-After"] = http.StatusTooManyRequests, seconds(wait)
	return busy
}

// slackReply is a response of Slack, with its fields in Slack's order.
type slackReply struct {
	OK      bool          `json:"ok"`
	Error   string        `json:"error,omitempty"`
	Channel string        `json:"channel,omitempty"`
	TS      string        `json:"ts,omitempty"`
	Text    string        `json:"text,omitempty"` // of chat.update
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
