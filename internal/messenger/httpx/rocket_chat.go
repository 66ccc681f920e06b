package httpx

import (
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// rocketChat is an incoming webhook of Rocket.Chat. Documentation:
// https://docs.rocket.chat/docs/integrations.
//
// A response is JSON with success true or false (apps/meteor/app/integrations/server/api
// in https://github.com/RocketChat/Rocket.Chat): an unknown webhook is a 404, a refused
// message a 400 with an error, a disabled webhook a 503. The server accepts an empty body
// and posts nothing, so the body is never empty here.
//
// A message has at most 5,000 characters by default (setting Message_MaxAllowedSize). A
// backslash precedes literal characters of its markup (packages/message-parser;
// unverified for each version).
//
// Limits: 10 calls in each minute to a webhook, the default of API_Enable_Rate_Limiter: a
// burst of 5 and 5 a minute are never more. A 429 has no Retry-After.
var rocketChat = Named{
	Name:   "rocketchat",
	limits: perCredential(ratelimit.Rate{Count: 5, Per: time.Minute, Burst: 5}),
	Template: Template{
		Title: "Rocket.Chat, incoming webhook",
		Params: []Param{{
			Name: "url", URL: true, Pattern: `https?://[^/]+(/[^?#]*)?/hooks/[A-Za-z0-9]+(/[A-Za-z0-9]+)?/[^/?#]+`,
			Hint: "https://chat.example.com/hooks/…/…, from Workspace, Integrations, Incoming",
		}},
		Request: Request{
			URL:     "{{.Param.url}}",
			Body:    `{"text":{{json .PlainText}}}`,
			Text:    Text{Limit: 5_000, Escape: "*_~`#"},
			Success: Success{Path: "$.success", Equals: "true"},
			Code:    "$.error",
		},
	},
}
