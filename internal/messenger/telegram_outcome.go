package messenger

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A telegramReply is the body of a response
// (https://core.telegram.org/bots/api#making-requests). OK is nil if the response is
// not from Telegram's API.
type telegramReply struct {
	OK          *bool  `json:"ok"`
	ErrorCode   int    `json:"error_code"`
	Description string `json:"description"`
	Parameters  struct {
		MigrateTo  int64       `json:"migrate_to_chat_id"`
		RetryAfter json.Number `json:"retry_after"` // seconds
	} `json:"parameters"`
	Result struct {
		MessageID int64 `json:"message_id"`
	} `json:"result"`
}

// refine refines the outcome of the HTTP status by the response body: Sent requires
// both, Paused either.
func (t telegramReply) refine(o Outcome) Outcome {
	switch {
	case t.OK == nil:
		return o
	case *t.OK && o.IsSuccess():
		o.Code = ""
		if id := t.Result.MessageID; id != 0 {
			o.MessageID = strconv.FormatInt(id, 10)
		}
		return classify(o, meansSent)
	case *t.OK:
		return o
	}
	if word := t.word(); word != "" {
		o.Code = word
	} else if o.IsSuccess() {
		o.Code = "unspecified_error"
	}
	switch code := cmp.Or(t.ErrorCode, o.Status); {
	case o.Kind == Paused, code == http.StatusTooManyRequests:
		o.RetryAfter = max(o.RetryAfter, retryAfter(t.Parameters.RetryAfter.String(), time.Time{}))
		return classify(o, meansPaused)
	case t.Parameters.MigrateTo != 0:
		o.Destination = strconv.FormatInt(t.Parameters.MigrateTo, 10)
		return classify(o, meansRetry)
	case code >= 500:
		return classify(o, meansRetry)
	case code >= 400:
		return classify(o, classification{Failed, t.scope(code)})
	case o.IsSuccess():
		return classify(o, messageFailed)
	}
	return o
}

// word returns Telegram's description without its variable part.
func (t telegramReply) word() string {
	word, _, _ := strings.Cut(t.Description, ": retry after")
	return word
}

// scope returns the scope of an error. Errors of one code differ only in their
// descriptions, which Telegram does not document, and may change; they are collected in
// https://github.com/TelegramBotAPI/errors. A token without a bot returns 404.
func (t telegramReply) scope(code int) Scope {
	has := func(part string) bool { return strings.Contains(strings.ToLower(t.Description), part) }
	switch {
	case code == http.StatusUnauthorized, code == http.StatusNotFound:
		return CredentialScope
	case code == http.StatusForbidden, slices.ContainsFunc(telegramChats, has):
		return DestinationScope
	}
	return MessageScope
}

// telegramChats are parts of the descriptions of a 400 that is about the chat.
var telegramChats = []string{
	"chat not found",
	"user not found",
	"peer_id_invalid",
	"group is deactivated",
	"upgraded to a supergroup",
	"migrated to a supergroup",
	"not enough rights",
	"have no rights",
	"have no write access",
	"need administrator rights",
	"chat_write_forbidden",
	"chat_restricted",
	"topic_closed",
	"not a member of",
}
