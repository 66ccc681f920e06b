package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// The messengers that are configured in ways of their own, by name.
const (
	email  = "email"  // speaks no HTTP
	twilio = "twilio" // calls back
)

// Messengers is what an operator says of single messengers, by name.
type Messengers map[string]MessengerConfig

// A MessengerConfig is what an operator says of a messenger. The zero value of a
// field is the messenger's own.
type MessengerConfig struct {
	URL              string        `yaml:"url"`               // in place of the provider's scheme and host; of email, smtp:// in the clear or smtps://
	CredentialLimit  string        `yaml:"credential-limit"`  // such as 10/s, or off
	DestinationLimit string        `yaml:"destination-limit"` // such as 1/s, or off
	Timeout          time.Duration `yaml:"timeout"`           // of a call; at most --provider-timeout
	Proxy            string        `yaml:"proxy"`             // the URL of a proxy for its calls
	CallbackURL      string        `yaml:"callback-url"`      // where its provider reaches the edge from outside; of twilio only
}

// readMessengers reads the file of --messenger-config: YAML, the names of
// messengers with their settings.
func readMessengers(path string) (Messengers, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--messenger-config: %w", err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var of Messengers
	if err := decoder.Decode(&of); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--messenger-config: %s: %w", path, err)
	}
	return of, nil
}

// check says what cannot work, in the words of the command line.
func (of Messengers) check(timeout time.Duration) error {
	for name, c := range of {
		if _, known := messenger.Find(messenger.Specs(), name); !known {
			return fmt.Errorf("--messenger-config names %q, which is no messenger; `bongsu messenger list` names them", name)
		}
		for key, value := range map[string]string{"credential-limit": c.CredentialLimit, "destination-limit": c.DestinationLimit} {
			if _, err := messenger.ParseRate(value); value != "" && err != nil {
				return fmt.Errorf("--messenger-config: %s of %s: %w", key, name, err)
			}
		}
		for key, value := range map[string]string{"url": c.URL, "proxy": c.Proxy, "callback-url": c.CallbackURL} {
			if u, err := url.Parse(value); value != "" && (err != nil || u.Host == "") {
				return fmt.Errorf("--messenger-config: %s of %s must be a URL such as http://127.0.0.1:3128", key, name)
			}
		}
		switch {
		case name == email && c.URL != "" && !strings.HasPrefix(c.URL, "smtp://") && !strings.HasPrefix(c.URL, "smtps://"):
			return fmt.Errorf("--messenger-config: url of %s must be a URL such as smtp://127.0.0.1:18025", name)
		case name == email && c.Proxy != "":
			return fmt.Errorf("--messenger-config: %s goes through no proxy", name)
		case name != twilio && c.CallbackURL != "":
			return fmt.Errorf("--messenger-config: %s has no callback-url: its provider says nothing later", name)
		}
		if c.Timeout < 0 || c.Timeout > timeout {
			return fmt.Errorf("--messenger-config: timeout of %s is %s: it is above 0, and at most --provider-timeout, %s", name, c.Timeout, timeout)
		}
	}
	return nil
}

// limits gives how fast a messenger may be called: as its own configuration says,
// or else that of all; and under one credential at most as fast as its provider
// says.
func (c Config) limits(spec messenger.Spec) messenger.Limits {
	l, of := spec.Limits, c.Messengers[spec.Name]
	if general := rate(c.CredentialLimit); !l.Credential.Limited() || general.Limited() && general.Interval() > l.Credential.Interval() {
		l.Credential = general
	}
	if c.DestinationLimit != "" {
		l.Destination = rate(c.DestinationLimit)
	}
	if of.CredentialLimit != "" {
		l.Credential = rate(of.CredentialLimit)
	}
	if of.DestinationLimit != "" {
		l.Destination = rate(of.DestinationLimit)
	}
	return l
}

// rate reads what was checked.
func rate(text string) messenger.Rate {
	r, _ := messenger.ParseRate(text)
	return r
}

// timeout gives how long a call of a messenger may take.
func (c Config) timeout(name string) time.Duration {
	if t := c.Messengers[name].Timeout; t > 0 {
		return t
	}
	return c.ProviderTimeout
}

// messengersHere gives the messengers that this process calls providers by, the same
// to all its services.
func (b *builder) messengersHere() []messenger.Messenger {
	if b.called == nil {
		b.called = messenger.All(b.endpoints())
	}
	return b.called
}

// endpoints gives the ways to the providers. Calls that an operator pointed
// somewhere go there, wherever it is; the others go to public addresses only, and
// where the operator lets them.
func (b *builder) endpoints() messenger.Endpoints {
	anywhere, somewhere := messenger.ClientConfig{Anywhere: true}, messenger.ClientConfig{Allowed: b.config.AllowDestinations}
	everywhere, public := messenger.NewClient(anywhere), messenger.NewClient(somewhere)
	return func(name string) messenger.Endpoint {
		of := b.config.Messengers[name]
		e := messenger.Endpoint{
			Client:      public,
			Dial:        messenger.NewDial(somewhere),
			Now:         b.config.Now,
			URL:         b.providerURL(name),
			HTTP:        b.config.AllowHTTP,
			CallbackURL: of.CallbackURL,
		}
		switch {
		case of.Proxy != "":
			e.Client = proxied(of.Proxy)
		case e.URL != "":
			e.Client, e.Dial = everywhere, messenger.NewDial(anywhere)
		}
		return e
	}
}

func proxied(proxy string) *http.Client {
	u, _ := url.Parse(proxy) // check has
	return messenger.NewClient(messenger.ClientConfig{Anywhere: true, Proxy: u})
}

// providerURL gives where a provider is said to be: as told for the messenger or for
// all, or the mockup where this process runs one, or nothing, which is the provider
// itself.
func (b *builder) providerURL(name string) string {
	if u := b.config.Messengers[name].URL; u != "" {
		return u
	}
	if name == email {
		return b.mailURL()
	}
	if b.config.ProviderURL != "" {
		return b.config.ProviderURL
	}
	if addr := b.Addr(Mockup); addr != "" {
		return "http://" + addr
	}
	return ""
}

// mailURL is providerURL for mail: what stands in for all providers takes mail on the
// mockup's port for it.
func (b *builder) mailURL() string {
	if b.config.ProviderURL != "" {
		if u, err := url.Parse(b.config.ProviderURL); err == nil {
			return "smtp://" + net.JoinHostPort(u.Hostname(), mockupMailPort)
		}
	}
	if b.mailAddr != "" {
		return "smtp://" + b.mailAddr
	}
	return ""
}

// ParsePrefixes reads networks and single addresses, as --allow-destinations names
// them.
func ParsePrefixes(words []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range words {
		prefix, err := netip.ParsePrefix(word)
		if !strings.Contains(word, "/") {
			var addr netip.Addr
			addr, err = netip.ParseAddr(word)
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("--allow-destinations: %q is neither a network such as 10.0.0.0/8 nor an address", word)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}
