package discord

import (
	"net/http"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/messengertest"
)

// TestReplyReference verifies which message the next one changes: after an answer of a bot,
// the first one, to which the answer refers; after that of a webhook, the answer, which is a
// message of its own.
func TestReplyReference(t *testing.T) {
	for name, c := range map[string]struct {
		sample messengertest.Sample
		want   string
	}{
		"bot":     {botSample, "2234567890123456789"},
		"webhook": {webhookSample, "1334567890123456789"},
	} {
		t.Run(name, func(t *testing.T) {
			s := c.sample
			s.Message.AlertKey, s.Message.Previous, s.Message.Reply = "node1", "2234567890123456789", true
			messengertest.CheckOutcomes(t, s, []messengertest.Response{
				{200, nil, created, messenger.Outcome{Kind: messenger.Sent, MessageID: "1334567890123456789", Reference: c.want}},
			})
		})
	}
}

// TestWebhookGoneIsNotItsMessage verifies that a webhook that was deleted is not called
// again, also for a change: it is not the message that is gone.
func TestWebhookGoneIsNotItsMessage(t *testing.T) {
	s := webhookSample
	s.Message.AlertKey, s.Message.Previous = "node1", s.Reference
	messengertest.CheckOutcomes(t, s, []messengertest.Response{
		{http.StatusNotFound, nil, refusal(10015), messenger.Outcome{Kind: messenger.Failed, Scope: messenger.DestinationScope, Code: "10015", Gone: true}},
		{http.StatusNotFound, nil, refusal(10008), messenger.Outcome{Kind: messenger.Retry, Code: "10008", PreviousGone: true}},
		{http.StatusTooManyRequests, messengertest.RetryLater, refusal(0), messenger.Outcome{Kind: messenger.Paused, Code: "http_429", RetryAfter: messengertest.Later}},
	})
}
