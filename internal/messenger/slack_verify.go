package messenger

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Verify checks the token, which needs no scope, and the channel, if it is given by its
// id and the token has the scope (https://docs.slack.dev/reference/methods/auth.test,
// https://docs.slack.dev/reference/methods/conversations.info).
func (s Slack) Verify(ctx context.Context, credential, destination string) Outcome {
	if err := checkToken(credential); err != nil {
		return badCredentialOutcome(err)
	}
	_, o := s.ask(ctx, "auth.test", credential, nil)
	switch {
	case o.Kind != Sent:
		return redactOutcome(o, credential)
	case !slackID.MatchString(destination):
		o.Excerpt = "token valid; channel not checked: the destination is not a channel id"
		return redactOutcome(o, credential)
	}
	r, o := s.ask(ctx, "conversations.info", credential, url.Values{"channel": {destination}})
	switch {
	case o.Kind == Sent:
		o = classifySlackChannel(r, o)
	case o.Code == "missing_scope":
		o = classify(o, meansSent)
		o.Code = ""
		o.Excerpt = "token valid; channel not checked: the token lacks the scopes channels:read, groups:read and im:read"
	}
	return redactOutcome(o, credential)
}

// ask calls a method that changes nothing, with a form: some of those methods accept no
// JSON.
func (s Slack) ask(ctx context.Context, method, token string, arguments url.Values) (response, Outcome) {
	r := s.endpoint.post(ctx, slackAPI+method, []byte(arguments.Encode()), http.Header{
		"Content-Type":  {"application/x-www-form-urlencoded"},
		"Authorization": {"Bearer " + token},
	})
	return r, readSlack(r).refine(s.endpoint.outcome(r))
}

// slackID matches the id of a channel, or of a direct or group conversation.
var slackID = regexp.MustCompile(`^[CDG][A-Z0-9]{8,}$`)

// classifySlackChannel refines the outcome for a visible channel: one that can be posted
// to, or the error that chat.postMessage would return.
func classifySlackChannel(r response, o Outcome) Outcome {
	var info struct {
		Channel struct {
			IsChannel  bool `json:"is_channel"`
			IsGroup    bool `json:"is_group"`
			IsPrivate  bool `json:"is_private"`
			IsArchived bool `json:"is_archived"`
			IsMember   bool `json:"is_member"`
		} `json:"channel"`
	}
	if err := json.Unmarshal(r.body, &info); err != nil {
		o.Code = "unreadable_answer"
		return classify(o, meansUnknown)
	}
	c := info.Channel
	public := !c.IsPrivate && strings.Contains(r.header.Get("X-OAuth-Scopes"), "chat:write.public") // posting needs no membership
	switch {
	case c.IsArchived:
		o.Code = "is_archived"
	case (c.IsChannel || c.IsGroup) && !c.IsMember && !public:
		o.Code = "not_in_channel"
	default:
		return o
	}
	return classify(o, destinationFailed)
}
