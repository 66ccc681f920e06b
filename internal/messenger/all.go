package messenger

import (
	"net/http"
	"time"
)

// Config is what messengers need to send. To be described they need nothing.
type Config struct {
	Client   *http.Client // as NewClient makes it
	Now      func() time.Time
	SlackURL string // https://slack.com, or where a fake stands
}

// All is the visible list, by name: a new messenger is one file and one line here.
func All(c Config) []Messenger {
	return []Messenger{
		Slack{Client: c.Client, URL: c.SlackURL, Now: c.Now},
	}
}

// Specs describes every messenger, by name.
func Specs() []Spec {
	all := All(Config{})
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
