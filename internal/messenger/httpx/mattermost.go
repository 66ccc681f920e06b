package httpx

// mattermost is an incoming webhook of Mattermost. Documentation:
// https://developers.mattermost.com/integrate/webhooks/incoming/.
//
// A success is the body ok, as text (same page; server/channels/web/webhook.go in
// https://github.com/mattermost/mattermost). Errors are JSON with an id. In
// HandleIncomingWebhook of server/channels/app/webhook.go an unknown webhook is a 400, a
// channel that is gone a 404, and a channel or a user without permission a 403. All three
// are about this webhook. Disabled webhooks are a 501.
//
// A message has at most 16,383 characters; the server splits a longer one. The text is
// Markdown, where a backslash precedes literal characters
// (https://docs.mattermost.com/end-user-guide/collaborate/format-messages.html); which
// characters is unverified for each version.
//
// Limits: none, unless an administrator sets some.
var mattermost = Named{
	Name: "mattermost",
	Template: Template{
		Title: "Mattermost, incoming webhook",
		Params: []Param{{
			Name: "url", URL: true, Pattern: `https?://[^/]+(/[^?#]*)?/hooks/[A-Za-z0-9]+`,
			Hint: "https://mattermost.example.com/hooks/…, from Integrations, Incoming Webhooks",
		}},
		Request: Request{
			URL:     "{{.Param.url}}",
			Body:    `{"text":{{json .PlainText}}}`,
			Text:    Text{Limit: 16_383, Escape: "\\`*_~#"},
			Success: Success{Status: []int{200}, Body: "ok"},
			Code:    "$.id",
			Failures: []Failure{
				{Status: []int{400}, Path: "$.id", Equals: []string{"web.incoming_webhook.invalid.app_error"}, Means: "destination"},
				{Status: []int{403}, Means: "destination"},
			},
		},
	},
}
