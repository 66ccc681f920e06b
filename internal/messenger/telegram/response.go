package telegram

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// A reply is the body of a response
// (https://core.telegram.org/bots/api#making-requests). OK is nil if the response is
// not from Telegram's API.
type reply struct {
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

	interrupted bool // the connection was interrupted before the end of the body
}

// refine refines the outcome of the HTTP status by the response body: Sent requires
// both, Paused either.
func (t reply) refine(o messenger.Outcome) messenger.Outcome {
	switch {
	case t.OK == nil:
		return o
	case *t.OK && o.IsSuccess():
		o.Code = ""
		if id := t.Result.MessageID; id != 0 {
			o.MessageID = strconv.FormatInt(id, 10)
		}
		return call.Classify(o, call.Sent)
	case *t.OK:
		return o
	}
	if word := t.word(); word != "" {
		o.Code = word
	} else if o.IsSuccess() {
		o.Code = "unspecified_error"
	}
	switch code := cmp.Or(t.ErrorCode, o.Status); {
	case o.Kind == messenger.Paused, code == http.StatusTooManyRequests:
		o.RetryAfter = max(o.RetryAfter, call.RetryAfter(t.Parameters.RetryAfter.String(), time.Time{}))
		return call.Classify(o, call.Paused)
	case t.Parameters.MigrateTo != 0:
		o.Destination = strconv.FormatInt(t.Parameters.MigrateTo, 10)
		return call.Classify(o, call.Retry)
	case code >= 500:
		return call.Classify(o, call.Retry)
	case code >= 400:
		return call.Classify(o, call.Classification{Kind: messenger.Failed, Scope: t.scope(code)})
	case o.IsSuccess():
		return call.Classify(o, call.MessageFailed)
	}
	return o
}

// word returns Telegram's description without its variable part.
func (t reply) word() string {
	word, _, _ := strings.Cut(t.Description, ": retry after")
	return word
}

// scope returns the scope of an error. Errors of one code differ only in their
// descriptions, which Telegram does not document, and may change; they are collected in
// https://github.com/TelegramBotAPI/errors. A token without a bot returns 404.
func (t reply) scope(code int) messenger.Scope {
	has := func(part string) bool { return strings.Contains(strings.ToLower(t.Description), part) }
	switch {
	case code == http.StatusUnauthorized, code == http.StatusNotFound:
		return messenger.CredentialScope
	case code == http.StatusForbidden, slices.ContainsFunc(chatErrors, has):
		return messenger.DestinationScope
	}
	return messenger.MessageScope
}

// chatErrors are parts of the descriptions of a 400 that is about the chat.
var chatErrors = []string{
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
