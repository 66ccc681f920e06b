package messenger

// Endpoints returns the endpoint of a messenger, by its name.
type Endpoints func(name string) Endpoint

// All returns all messengers, sorted by name: a new messenger is one file and one line
// here. Endpoints are used for sending only. Messengers whose credential is a URL call
// user-given URLs.
func All(to Endpoints) []Messenger {
	given := func(name string) Endpoint { return to(name).forUserURL() }
	return []Messenger{
		NewDiscord(given("discord")),
		NewDiscordBot(to("discordbot")),
		NewEmail(given("email")),
		NewNtfy(given("ntfy")),
		NewPagerDuty(to("pagerduty")),
		NewSlack(to("slack")),
		NewSlackHook(given("slackhook")),
		NewSNS(to("sns")),
		NewTeams(given("teams")),
		NewTelegram(to("telegram")),
		NewTwilio(to("twilio")),
		NewWebhook(given("webhook")),
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
