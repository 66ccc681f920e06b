// Package all lists the messengers. No other package imports those of the providers.
package all

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/internal/messenger/discord"
	"github.com/bongsu-project/bongsu/internal/messenger/email"
	"github.com/bongsu-project/bongsu/internal/messenger/httpx"
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

// A Template is a messenger that an operator describes: see package httpx.
type Template = httpx.Named

// A TemplateBody is a Template without its name.
type TemplateBody = httpx.Template

// CheckTemplates returns an error that names the messenger and the invalid field of a
// template.
func CheckTemplates(templates []Template) error {
	builtIn := Specs()
	for _, t := range templates {
		if _, taken := messenger.Find(builtIn, t.Name); taken {
			return fmt.Errorf("template of %s: the name is taken by a messenger of this program", t.Name)
		}
		if _, err := httpx.New(call.Endpoint{}, t); err != nil {
			return fmt.Errorf("template of %s: %w", t.Name, err)
		}
	}
	return nil
}

// Messengers returns all messengers, sorted by name: a new messenger is one package and
// one line here. Endpoints and the store of inboxes are used for sending only. Messengers whose
// credential is a URL call user-given URLs. Invalid templates are left out: see CheckTemplates.
func Messengers(to Endpoints, inboxes inbox.Store, templates ...Template) []messenger.Messenger {
	given := func(name string) call.Endpoint { return to(name).ForUserURL() }
	all := []messenger.Messenger{
		discord.NewWebhook(given("discord")),
		discord.NewBot(to("discordbot")),
		email.New(given("email")),
		httpx.NewInline(given("httpx")),
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
	for _, m := range httpx.Presets(to) {
		all = append(all, m)
	}
	for _, t := range templates {
		if m, err := httpx.New(to(t.Name), t); err == nil {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b messenger.Messenger) int { return strings.Compare(a.Spec().Name, b.Spec().Name) })
	return all
}

// Mail returns the messenger of mail by an endpoint, for mail of an operator.
func Mail(e call.Endpoint) messenger.Messenger { return email.New(e) }

// Specs returns the Spec of every messenger, sorted by name, with those of templates.
func Specs(templates ...Template) []messenger.Spec {
	all := Messengers(func(string) call.Endpoint { return call.Endpoint{} }, nil, templates...)
	specs := make([]messenger.Spec, len(all))
	for i, m := range all {
		specs[i] = m.Spec()
	}
	return specs
}
