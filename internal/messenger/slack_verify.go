package messenger

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Verify asks Slack whose token it is, which needs no scope, and looks at the
// channel where it is named by its id and the token may
// (https://docs.slack.dev/reference/methods/auth.test,
// https://docs.slack.dev/reference/methods/conversations.info).
func (s Slack) Verify(ctx context.Context, credential, destination string) Outcome {
	if err := checkToken(credential); err != nil {
		return uncallable(err)
	}
	_, o := s.ask(ctx, "auth.test", credential, nil)
	switch {
	case o.Kind != Sent:
		return o.without(credential)
	case !slackID.MatchString(destination):
		o.Excerpt = "the token is good; the channel was not looked at, as it is not named by its id"
		return o.without(credential)
	}
	r, o := s.ask(ctx, "conversations.info", credential, url.Values{"channel": {destination}})
	switch {
	case o.Kind == Sent:
		o = judgeSlackChannel(r, o)
	case o.Code == "missing_scope":
		o = o.as(meaning{kind: Sent})
		o.Code = ""
		o.Excerpt = "the token is good; the channel was not looked at, as the token has none of the scopes channels:read, groups:read and im:read"
	}
	return o.without(credential)
}

// ask calls a method that changes nothing. Some of those take no JSON.
func (s Slack) ask(ctx context.Context, method, token string, arguments url.Values) (reply, Outcome) {
	r := s.post(ctx, slackAPI+method, []byte(arguments.Encode()), http.Header{
		"Content-Type":  {"application/x-www-form-urlencoded"},
		"Authorization": {"Bearer " + token},
	})
	return r, readSlack(r).judge(s.outcome(r))
}

// slackID is the id of a channel, or of a conversation of two or a few.
var slackID = regexp.MustCompile(`^[CDG][A-Z0-9]{8,}$`)

// judgeSlackChannel makes of a channel that can be seen one that can be posted to, or
// the error that chat.postMessage would answer.
func judgeSlackChannel(r reply, o Outcome) Outcome {
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
		return o.as(meaning{kind: Unknown})
	}
	c := info.Channel
	public := !c.IsPrivate && strings.Contains(r.header.Get("X-OAuth-Scopes"), "chat:write.public") // no member need be
	switch {
	case c.IsArchived:
		o.Code = "is_archived"
	case (c.IsChannel || c.IsGroup) && !c.IsMember && !public:
		o.Code = "not_in_channel"
	default:
		return o
	}
	return o.as(meaning{Failed, DestinationScope})
}
