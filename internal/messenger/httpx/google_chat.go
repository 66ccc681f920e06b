package httpx

import (
	"time"

	"github.com/bongsu-project/bongsu/kit/ratelimit"
)

// googleChat is an incoming webhook of a Google Chat space. Documentation:
// https://developers.google.com/workspace/chat/quickstart/webhooks.
//
// The response to a webhook has the name of the message
// (https://developers.google.com/workspace/chat/api/reference/rest/v1/spaces.messages/create).
// Errors are those of Google's APIs, with a status word such as RESOURCE_EXHAUSTED
// (https://cloud.google.com/apis/design/errors). A message has at most 32,000 bytes with
// all its parts (same reference). Its text may have the markup of Chat, which cannot be
// escaped.
//
// Limits: 60 writes a minute to a space, which all its apps share
// (https://developers.google.com/workspace/chat/limits).
var googleChat = Named{
	Name:   "googlechat",
	limits: perCredential(ratelimit.Rate{Count: 1, Per: time.Second}),
	Template: Template{
		Title: "Google Chat, webhook",
		Params: []Param{{
			Name: "url", URL: true, Pattern: `https://chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_-]+/messages\?.*key=.+`,
			Hint: "https://chat.googleapis.com/v1/spaces/…/messages?key=…&token=…, from the space's Apps & integrations, Webhooks",
		}},
		Request: Request{
			URL:     "{{.Param.url}}",
			Headers: map[string]string{"Content-Type": "application/json; charset=UTF-8"},
			Body:    `{"text":{{json .PlainText}}}`,
			Text:    Text{Limit: 30_000, Unit: "bytes"},
			Success: Success{Path: "$.name", ID: "$.name"},
			Code:    "$.error.status",
		},
	},
}
