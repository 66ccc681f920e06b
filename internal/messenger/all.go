package messenger

// Endpoints gives the way to the provider of a messenger, by its name.
type Endpoints func(name string) Endpoint

// All is the visible list, by name: a new messenger is one file and one line here.
// Only where they send do messengers need endpoints. Those whose credential is a URL go
// where users say.
func All(to Endpoints) []Messenger {
	given := func(name string) Endpoint { return to(name).given() }
	return []Messenger{
		Discord{given("discord")},
		DiscordBot{to("discordbot")},
		Email{given("email")},
		Ntfy{given("ntfy")},
		PagerDuty{to("pagerduty")},
		Slack{to("slack")},
		SlackHook{given("slackhook")},
		SNS{to("sns")},
		Teams{given("teams")},
		Telegram{to("telegram")},
		Twilio{to("twilio")},
		Webhook{given("webhook")},
	}
}

// Specs describes every messenger, by name.
func Specs() []Spec {
	all := All(func(string) Endpoint { return Endpoint{} })
	specs := make([]Spec, len(all))
	for i, m := range all {
		specs[i] = m.Spec()
	}
	return specs
}

// Find finds the Spec of a name, compared to the letter.
func Find(specs []Spec, name string) (Spec, bool) {
	for _, s := range specs {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}
