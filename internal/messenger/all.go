package messenger

// Endpoints gives the way to the provider of a messenger, by its name.
type Endpoints func(name string) Endpoint

// All is the visible list, by name: a new messenger is one file and one line here.
// Only where they send do messengers need endpoints.
func All(to Endpoints) []Messenger {
	return []Messenger{
		Discord{to("discord")},
		DiscordBot{to("discordbot")},
		Email{to("email")},
		Ntfy{to("ntfy")},
		PagerDuty{to("pagerduty")},
		Slack{to("slack")},
		SlackHook{to("slackhook")},
		SNS{to("sns")},
		Teams{to("teams")},
		Telegram{to("telegram")},
		Twilio{to("twilio")},
		Webhook{to("webhook")},
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
