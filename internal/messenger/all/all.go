// Package all lists the messengers. No other package imports those of the providers.
package all

import (
	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/discord"
	"github.com/bongsu-project/bongsu/internal/messenger/email"
	"github.com/bongsu-project/bongsu/internal/messenger/inbox"
	"github.com/bongsu-project/bongsu/internal/messenger/ntfy"
	"github.com/bongsu-project/bongsu/internal/messenger/pagerduty"
	"github.com/bongsu-project/bongsu/internal/messenger/slack"
	"github.com/bongsu-project/bongsu/internal/messenger/sns"
	"github.com/bongsu-project/bongsu/internal/messenger/teams"
	"github.com/bongsu-project/bongsu/internal/messenger/telegram"
	"github.com/bongsu-project/bongsu/internal/messenger/twilio"
	"github.com/bongsu-project/bongsu/internal/messenger/webhook"
)

// Endpoints returns the endpoint of a messenger, by its name.
type Endpoints func(name string) call.Endpoint

// Messengers returns all messengers, sorted by name: a new messenger is one package and
// one line here. Endpoints and the store of inboxes are used for sending only. Messengers whose
// credential is a URL call user-given URLs.
func Messengers(to Endpoints, inboxes inbox.Store) []messenger.Messenger {
	given := func(name string) call.Endpoint { return to(name).ForUserURL() }
	return []messenger.Messenger{
		discord.NewWebhook(given("discord")),
		discord.NewBot(to("discordbot")),
		email.New(given("email")),
		inbox.New(inboxes),
		ntfy.New(given("ntfy")),
		pagerduty.New(to("pagerduty")),
		slack.New(to("slack")),
		slack.NewWebhook(given("slackhook")),
		sns.New(to("sns")),
		teams.New(given("teams")),
		telegram.New(to("telegram")),
		twilio.New(to("twilio")),
		webhook.New(given("webhook")),
	}
}

// Specs returns the Spec of every messenger, sorted by name.
func Specs() []messenger.Spec {
	all := Messengers(func(string) call.Endpoint { return call.Endpoint{} }, nil)
	specs := make([]messenger.Spec, len(all))
	for i, m := range all {
		specs[i] = m.Spec()
	}
	return specs
}
