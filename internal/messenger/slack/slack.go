// Package slack sends to channels of Slack, as an app with a bot token (Messenger) and by
// incoming webhooks (Webhook). Documentation: https://docs.slack.dev.
//
// Incidents: an app changes the message of an incident by chat.update, and answers in its
// thread, also shown in the channel. A webhook has no ids of messages: it sends new ones.
//
// Limits: one message a second per channel, with short bursts; a 429 pauses the whole
// token. A text has at most 40,000 characters; a message with title, link or details is
// sent as blocks if it fits into them.
//
// Outcomes: Slack's API responds with 200 also to errors, so the body decides. Sent needs
// {"ok":true}; the error code determines the scope of a failure, and a code without an
// entry is about the message. A webhook confirms by exactly "ok"; its errors are words.
package slack

import (
	"context"
	"net/http"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// Messenger sends by chat.postMessage of Slack's Web API, and changes by chat.update.
type Messenger struct{ endpoint call.Endpoint }

var _ messenger.Verifier = Messenger{}

// New returns a messenger that calls by an endpoint.
func New(e call.Endpoint) Messenger { return Messenger{endpoint: e} }

// apiURL is the base URL of Slack's Web API.
const apiURL = "https://slack.com/api/"

// Spec describes an address on Slack.
func (Messenger) Spec() messenger.Spec {
	return messenger.Spec{
		Name:  "slack",
		Title: "Slack",
		Credential: messenger.Setting{
			Label:  "Bot token",
			Hint:   "xoxb-…, from your Slack app's page OAuth & Permissions; the app needs the scope chat:write",
			Secret: true,
			Check:  messenger.CheckToken,
		},
		Destination: messenger.Setting{
			Label: "Channel",
			Hint:  "a channel's id such as C0123456789, from the foot of its details; invite the app to the channel",
			Check: messenger.CheckWord,
		},
		Verifiable: true,
		Limits:     messenger.Limits{Destination: channelRate},
	}
}

// channelRate is the documented rate limit
// (https://docs.slack.dev/apis/web-api/rate-limits): chat.postMessage allows one
// message a second per channel and short bursts beyond it; the limit of the workspace
// is documented without a number. Limits hold "per API method per workspace per app",
// which a token stands for: a 429 therefore pauses the whole credential.
var channelRate = ratelimit.Rate{Count: 1, Per: time.Second, Burst: 3}

// Send posts the message to the channel, or changes the previous one of the incident.
func (s Messenger) Send(ctx context.Context, m messenger.Message) messenger.Outcome {
	if err := messenger.CheckToken(m.Credential); err != nil {
		return call.BadCredential(err)
	}
	previous := parseReference(m.Previous)
	method, body, cut := requestOf(m, previous)
	r := s.endpoint.Post(ctx, apiURL+method, call.JSON(body), http.Header{
		"Content-Type":  {"application/json"},
		"Authorization": {"Bearer " + m.Credential},
	})
	answer := readReply(r)
	o := withReference(answer.refine(s.endpoint.Outcome(r)), m, previous, answer)
	o.Truncated = cut
	return call.Redact(o, append(call.AckSecrets(m), m.Credential)...)
}

// requestOf returns the method and the request for a message: chat.update to change the
// previous one, else chat.postMessage.
func requestOf(m messenger.Message, previous reference) (method string, body any, cut bool) {
	if previous != (reference{}) && !m.Reply {
		content, cut := changeOf(m)
		return "chat.update", changeRequest{previous.channel, previous.ts, content.Blocks, content.Attachments, content.Text}, cut
	}
	content, cut := contentOf(m)
	post := postRequest{Channel: m.Destination, messageContent: content}
	if m.Reply && previous != (reference{}) {
		post.Channel, post.ThreadTS, post.ReplyBroadcast = previous.channel, previous.ts, true
	}
	return "chat.postMessage", post, cut
}
