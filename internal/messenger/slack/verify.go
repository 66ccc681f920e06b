package slack

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Verify checks the token, which needs no scope, and the channel, if it is given by its
// id and the token has the scope (https://docs.slack.dev/reference/methods/auth.test,
// https://docs.slack.dev/reference/methods/conversations.info).
func (s Messenger) Verify(ctx context.Context, credential, destination string) messenger.Outcome {
	if err := messenger.CheckToken(credential); err != nil {
		return call.BadCredential(err)
	}
	_, o := s.callMethod(ctx, "auth.test", credential, nil)
	switch {
	case o.Kind != messenger.Sent:
		return call.Redact(o, credential)
	case !channelID.MatchString(destination):
		o.Excerpt = "token valid; channel not checked: the destination is not a channel id"
		return call.Redact(o, credential)
	}
	r, o := s.callMethod(ctx, "conversations.info", credential, url.Values{"channel": {destination}})
	switch {
	case o.Kind == messenger.Sent:
		o = classifyChannel(r, o)
	case o.Code == "missing_scope":
		o = call.Classify(o, call.Sent)
		o.Code = ""
		o.Excerpt = "token valid; channel not checked: the token lacks the scopes channels:read, groups:read and im:read"
	}
	return call.Redact(o, credential)
}

// callMethod calls a method that changes nothing, with a form: some of those methods accept no
// JSON.
func (s Messenger) callMethod(ctx context.Context, method, token string, arguments url.Values) (call.Response, messenger.Outcome) {
	r := s.endpoint.Post(ctx, apiURL+method, []byte(arguments.Encode()), http.Header{
		"Content-Type":  {"application/x-www-form-urlencoded"},
		"Authorization": {"Bearer " + token},
	})
	return r, readReply(r).refine(s.endpoint.Outcome(r))
}

// channelID matches the id of a channel, or of a direct or group conversation.
var channelID = regexp.MustCompile(`^[CDG][A-Z0-9]{8,}$`)

// classifyChannel refines the outcome for a visible channel: one that can be posted
// to, or the error that chat.postMessage would return.
func classifyChannel(r call.Response, o messenger.Outcome) messenger.Outcome {
	var info struct {
		Channel struct {
			IsChannel  bool `json:"is_channel"`
			IsGroup    bool `json:"is_group"`
			IsPrivate  bool `json:"is_private"`
			IsArchived bool `json:"is_archived"`
			IsMember   bool `json:"is_member"`
		} `json:"channel"`
	}
	if err := json.Unmarshal(r.Body, &info); err != nil {
		o.Code = "unreadable_answer"
		return call.Classify(o, call.Unknown)
	}
	c := info.Channel
	public := !c.IsPrivate && strings.Contains(r.Header.Get("X-OAuth-Scopes"), "chat:write.public") // posting needs no membership
	switch {
	case c.IsArchived:
		o.Code = "is_archived"
	case (c.IsChannel || c.IsGroup) && !c.IsMember && !public:
		o.Code = "not_in_channel"
	default:
		return o
	}
	return call.Classify(o, call.DestinationFailed)
}
