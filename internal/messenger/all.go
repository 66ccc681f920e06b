package messenger

// Endpoints returns the endpoint of a messenger, by its name.
type Endpoints func(name string) Endpoint

// All returns all messengers, sorted by name: a new messenger is one file and one line
// here. Endpoints are used for sending only. Messengers whose credential is a URL call
// user-given URLs.
func All(to Endpoints) []Messenger {
	given := func(name string) Endpoint { return to(name).forUserURL() }
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

// Specs returns the Spec of every messenger, sorted by name.
func Specs() []Spec {
	all := All(func(string) Endpoint { return Endpoint{} })
	specs := make([]Spec, len(all))
	for i, m := range all {
		specs[i] = m.Spec()
	}
	return specs
}

// Find returns the Spec with a name, compared case-sensitively.
func Find(specs []Spec, name string) (Spec, bool) {
	for _, s := range specs {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}
