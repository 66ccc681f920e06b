package app

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/kit/redact"
	"github.com/bongsu-project/bongsu/services/mockup"
)

// A ProviderConfig holds the settings of calls to providers, which senders and the
// directory service share. The tags of a field are its flag of bongsu serve. The zero
// value of a field is its default.
type ProviderConfig struct {
	// URL replaces the scheme and host of every provider, and with port 18025 the mail
	// relays. Empty means the mockup if this process runs it, otherwise none.
	URL string `name:"provider-url" check:"provider" help:"The URL to which calls to all providers are redirected; by default the mockup if this process runs it, otherwise none. Mail goes to port 18025 of its host."`

	// MessengerConfig is the path of a YAML file with settings of single messengers, see
	// MessengerConfig. Empty means none.
	MessengerConfig string `type:"path" placeholder:"FILE" help:"A YAML file with settings of single messengers: url, credential-limit, destination-limit, timeout, proxy, callback-url; and messengers of your own, by a template of their request."`

	// AllowDestinations holds networks and single addresses that are not public and to
	// which user-given URLs may lead nevertheless.
	AllowDestinations []string `placeholder:"10.0.0.0/8" help:"Networks and addresses that are not public and to which user-given URLs may lead nevertheless."`

	// AllowHTTP allows user-given URLs without TLS.
	AllowHTTP bool `name:"allow-http" help:"Allow user-given URLs to use http."`

	// MaxSMSSegments is the maximum number of segments of an SMS, from 1 to 24. Providers
	// bill each segment. A longer text is cut and marked.
	MaxSMSSegments int `name:"max-sms-segments" default:"6" help:"The maximum number of segments of an SMS, from 1 to 24; each is billed. A longer text is cut, and ends with a mark."`
}

// maxSMSSegments is the maximum of MaxSMSSegments: a text of the maximum length that
// providers accept, 1600 UTF-16 units, has as many segments in UCS-2.
const maxSMSSegments = 24

// Validate returns an error for a flag that is set to zero: a zero value would become the
// default. The command line calls it.
func (c ProviderConfig) Validate() error {
	if c.MaxSMSSegments < 1 {
		return fmt.Errorf("invalid --max-sms-segments %d: must be from 1 to %d", c.MaxSMSSegments, maxSMSSegments)
	}
	return nil
}

// CheckBounds returns an error for a value out of its bounds. Defaults are set before.
func (c ProviderConfig) CheckBounds() error {
	if c.MaxSMSSegments < 1 || c.MaxSMSSegments > maxSMSSegments {
		return fmt.Errorf("invalid --max-sms-segments %d: must be from 1 to %d", c.MaxSMSSegments, maxSMSSegments)
	}
	return nil
}

// The messengers with special settings, by name.
const (
	email  = "email"  // uses no HTTP
	twilio = "twilio" // receives callbacks
)

// Messengers holds the settings of single messengers, by name.
type Messengers map[string]MessengerConfig

// A MessengerConfig holds the settings of a messenger. The zero value of a field is the
// messenger's default.
type MessengerConfig struct {
	URL              string        `yaml:"url"`               // replaces the provider's scheme and host; for email smtp:// (unencrypted) or smtps://
	CredentialLimit  string        `yaml:"credential-limit"`  // such as 10/s, or off
	DestinationLimit string        `yaml:"destination-limit"` // such as 1/s, or off
	Timeout          time.Duration `yaml:"timeout"`           // of a call; at most --provider-timeout
	Proxy            string        `yaml:"proxy"`             // URL of a proxy for its calls
	CallbackURL      string        `yaml:"callback-url"`      // public URL of the edge for callbacks; for twilio only

	// Template makes it a messenger of its own; nil for the messengers of this program.
	Template *all.TemplateBody `yaml:"template"`
}

// readMessengers reads the file of --messenger-config, if it is set: YAML with the settings
// of messengers by name.
func (c ProviderConfig) readMessengers() (Messengers, error) {
	if c.MessengerConfig == "" {
		return nil, nil
	}
	file, err := os.Open(c.MessengerConfig)
	if err != nil {
		return nil, fmt.Errorf("--messenger-config: %w", err)
	}
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var of Messengers
	if err := decoder.Decode(&of); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("--messenger-config: %s: %w", c.MessengerConfig, redact.Error(err))
	}
	return of, nil
}

// check returns an error that names the first invalid setting.
func (of Messengers) check(timeout time.Duration) error {
	if err := all.CheckTemplates(of.templates()); err != nil {
		return fmt.Errorf("--messenger-config: %w", err)
	}
	builtIn := all.Specs()
	for name, c := range of {
		spec, known := messenger.Find(builtIn, name)
		if !known && c.Template == nil {
			return fmt.Errorf("unknown messenger %q in --messenger-config; see `bongsu messenger list`, or give it a template", name)
		}
		for key, value := range map[string]string{"credential-limit": c.CredentialLimit, "destination-limit": c.DestinationLimit} {
			if _, err := ratelimit.ParseRate(value); value != "" && err != nil {
				return fmt.Errorf("--messenger-config: %s of %s: %w", key, name, err)
			}
		}
		if err := c.checkURLs(name); err != nil {
			return err
		}
		switch {
		case spec.Internal && (c.URL != "" || c.Proxy != ""):
			return fmt.Errorf("--messenger-config: %s does not support url and proxy: it delivers within Bongsu", name)
		case name == email && c.Proxy != "":
			return fmt.Errorf("--messenger-config: %s does not support proxy", name)
		case name != twilio && c.CallbackURL != "":
			return fmt.Errorf("--messenger-config: %s does not support callback-url: it has no callbacks", name)
		}
		if c.Timeout < 0 || c.Timeout > timeout {
			return fmt.Errorf("--messenger-config: invalid timeout of %s %s: must be above 0 and at most --provider-timeout, %s", name, c.Timeout, timeout)
		}
	}
	return nil
}

// templates returns the messengers that have a template, sorted by name.
func (of Messengers) templates() []all.Template {
	var templates []all.Template
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if t := of[name].Template; t != nil {
			templates = append(templates, all.Template{Name: name, Template: *t})
		}
	}
	return templates
}

// checkURLs returns an error that names the first invalid URL of a messenger. It quotes
// none, because URLs may hold passwords.
func (c MessengerConfig) checkURLs(name string) error {
	schemes, example := []string{"http", "https"}, "http://127.0.0.1:18084"
	if name == email {
		schemes, example = []string{"smtp", "smtps"}, "smtp://127.0.0.1:18025"
	}
	for _, u := range []struct {
		key, value, example string
		schemes             []string
	}{
		{"url", c.URL, example, schemes},
		{"proxy", c.Proxy, "http://127.0.0.1:3128", []string{"http", "https", "socks5", "socks5h"}},
		{"callback-url", c.CallbackURL, "https://bongsu.example.com", []string{"http", "https"}},
	} {
		if u.value == "" {
			continue
		}
		if _, err := parseURL(u.value, "must be a URL such as "+u.example, u.schemes...); err != nil {
			return fmt.Errorf("--messenger-config: %s of %s %w", u.key, name, err)
		}
	}
	if name == email && c.URL != "" {
		if u, err := url.Parse(c.URL); err != nil || u.Port() == "" {
			return fmt.Errorf("--messenger-config: url of %s must have a port, such as %s", name, example)
		}
	}
	return nil
}

// limits returns the rate limits of a messenger: its own settings, or else the general
// ones, where that of credentials is at most the provider's limit. The general ones are not for
// a messenger within Bongsu.
func (s settings) limits(spec messenger.Spec) messenger.Limits {
	l, of := spec.Limits, s.messengers[spec.Name]
	if general := mustParseRate(s.Sender.CredentialLimit); !spec.Internal && (!l.Credential.Limited() || general.Limited() && general.Interval() > l.Credential.Interval()) {
		l.Credential = general
	}
	if s.Sender.DestinationLimit != "" && !spec.Internal {
		l.Destination = mustParseRate(s.Sender.DestinationLimit)
	}
	if of.CredentialLimit != "" {
		l.Credential = mustParseRate(of.CredentialLimit)
	}
	if of.DestinationLimit != "" {
		l.Destination = mustParseRate(of.DestinationLimit)
	}
	return l
}

// mustParseRate parses a rate limit that was validated.
func mustParseRate(text string) ratelimit.Rate {
	r, _ := ratelimit.ParseRate(text)
	return r
}

// timeout returns the call timeout of a messenger.
func (s settings) timeout(name string) time.Duration {
	if t := s.messengers[name].Timeout; t > 0 {
		return t
	}
	return s.Sender.ProviderTimeout
}

// openMessengers returns the messengers of this process, which its services share.
func (b *builder) openMessengers() []messenger.Messenger {
	if b.openedMessengers == nil {
		b.openedMessengers = all.Messengers(b.endpoints(), inboxStore{b}, b.config.messengers.templates()...)
	}
	return b.openedMessengers
}

// endpoints returns the endpoints of the providers. URLs that the operator set may lead
// to any address. All others may lead to public addresses and the networks of
// --allow-destinations only. Both may use a proxy.
func (b *builder) endpoints() all.Endpoints {
	anywhere := call.ClientConfig{AllowAll: true}
	given := call.ClientConfig{Allowed: b.config.allowed} // given by users
	fixed := call.ClientConfig{Allowed: b.config.allowed, PinnedAddresses: true}
	clients := map[string]*http.Client{"anywhere": call.NewClient(anywhere), "given": call.NewClient(given), "fixed": call.NewClient(fixed)}
	return func(name string) call.Endpoint {
		of := b.config.messengers[name]
		e := call.Endpoint{
			Dial:        call.NewDialer(given),
			Now:         b.config.Now,
			URL:         b.providerURL(name),
			HTTP:        b.config.Providers.AllowHTTP,
			CallbackURL: of.CallbackURL,

			MaxSMSSegments: b.config.Providers.MaxSMSSegments,
		}
		to, config := "given", given
		spec, _ := messenger.Find(b.specs, name)
		switch {
		case e.URL != "":
			to, config = "anywhere", anywhere
			e.Dial = call.NewDialer(anywhere)
		case !spec.Credential.URL:
			to, config = "fixed", fixed
		}
		e.Client = clients[to]
		if of.Proxy != "" {
			config.Proxy, _ = url.Parse(of.Proxy) // validated by check
			e.Client = call.NewClient(config)
		}
		return e
	}
}

// providerURL returns the URL that replaces a provider's: that of the messenger, or the
// general one, or the mockup of this process, or "" for none.
func (b *builder) providerURL(name string) string {
	if u := b.config.messengers[name].URL; u != "" {
		return u
	}
	if name == email {
		return b.mailURL()
	}
	if b.config.Providers.URL != "" {
		return b.config.Providers.URL
	}
	if addr := b.Addr(Mockup); addr != "" {
		return "http://" + addr
	}
	return ""
}

// mailURL returns the same for mail relays, with the mail port of the mockup.
func (b *builder) mailURL() string {
	if b.config.Providers.URL != "" {
		if u, err := url.Parse(b.config.Providers.URL); err == nil {
			return "smtp://" + net.JoinHostPort(u.Hostname(), mockup.MailPort)
		}
	}
	if b.mailAddr != "" {
		return "smtp://" + b.mailAddr
	}
	return ""
}

// allowed returns the parsed AllowDestinations.
func (c ProviderConfig) allowed() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, word := range c.AllowDestinations {
		prefix, err := netip.ParsePrefix(word)
		if !strings.Contains(word, "/") {
			var addr netip.Addr
			addr, err = netip.ParseAddr(word)
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if err != nil || prefix.Addr().Is4In6() { // addresses are compared as IPv4
			return nil, fmt.Errorf("invalid --allow-destinations %q: use a network such as 10.0.0.0/8 or an address", word)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}
