package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/ratelimit"
	"github.com/bongsu-project/bongsu/services/sender"
)

func TestMessengerConfig(t *testing.T) {
	for name, c := range map[string]struct{ file, want string }{
		"all":             {"slack:\n  url: http://127.0.0.1:18084\n  credential-limit: 2/s\n  destination-limit: off\n  timeout: 2s\n  proxy: http://127.0.0.1:3128\n", ""},
		"of mail":         {"email:\n  url: smtp://127.0.0.1:18025\n", ""},
		"of Twilio":       {"twilio:\n  callback-url: https://bongsu.example\n", ""},
		"no SMTP":         {"email: {url: 'http://127.0.0.1:18084'}\n", "url of email"},
		"mail by a proxy": {"email: {proxy: 'http://127.0.0.1:3128'}\n", "email does not support proxy"},
		"no callbacks":    {"slack: {callback-url: 'https://bongsu.example'}\n", "slack does not support callback-url"},
		"no callback URL": {"twilio: {callback-url: bongsu}\n", "callback-url of twilio"},
		"nothing":         {"", ""},
		"no messenger":    {"pigeon: {}\n", `unknown messenger "pigeon"`},
		"no setting":      {"slack: {color: red}\n", "color"},
		"no rate":         {"slack: {credential-limit: fast}\n", "credential-limit of slack"},
		"no URL":          {"slack: {url: slack}\n", "url of slack"},
		"no proxy":        {"slack: {proxy: ':3128'}\n", "proxy of slack"},
		"a misspelt URL":  {"slack: {url: 'htp://mockup:18084'}\n", "url of slack must be"},
		"two URLs":        {"slack: {url: 'http://a,b'}\n", "url of slack must be"},
		"mail by no port": {"email: {url: 'smtp://relay'}\n", "url of email must have a port"},
		"an FTP proxy":    {"slack: {proxy: 'ftp://proxy:21'}\n", "proxy of slack must be"},
		"no port":         {"slack: {proxy: 'http://kim:s3cret@proxy:port'}\n", "proxy of slack must be"},
		"a template":      {"gateway:\n  credential-limit: 5/s\n  template:\n    title: SMS gateway\n    costly: true\n    params: [{name: token}]\n    url: https://sms.example.com/send\n    headers: {Authorization: 'Bearer {{.Param.token}}'}\n    body: '{\"text\":{{json .Text}}}'\n    success: {status: [201], path: $.id, id: $.id}\n    failures: [{status: [402], means: credential}]\n", ""},
		"a bad template":  {"gateway: {template: {params: [{name: token}], url: 'https://sms.example.com/', body: '{\"text\":\"{{.Text}}\"}'}}\n", "template of gateway: with the example of an alert: body is not JSON"},
		"no such field":   {"gateway: {template: {params: [{name: token}], color: red}}\n", "color"},
		"a taken name":    {"slack: {template: {params: [{name: token}], url: 'https://sms.example.com/'}}\n", "the name is taken"},
		"a long name":     {"lineworksbot: {template: {params: [{name: token}], url: 'https://sms.example.com/'}}\n", "the name of a messenger must have"},
		"too long a call": {"slack: {timeout: 1m}\n", "--provider-timeout, 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "messengers.yaml")
			if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Config{Data: t.TempDir(), Providers: ProviderConfig{MessengerConfig: path}}.complete()
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--messenger-config") || strings.Contains(err.Error(), "s3cret")):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	a := func(count int) ratelimit.Rate { return ratelimit.Rate{Count: count, Per: time.Second} }
	off := ratelimit.Rate{}
	for name, c := range map[string]struct {
		config sender.Config
		files  Messengers
		spec   messenger.Limits
		want   messenger.Limits
	}{
		"the provider's own":      {sender.Config{CredentialLimit: "10/s"}, nil, messenger.Limits{Credential: a(1), Destination: a(2)}, messenger.Limits{Credential: a(1), Destination: a(2)}},
		"the slower":              {sender.Config{CredentialLimit: "10/s"}, nil, messenger.Limits{Credential: a(30)}, messenger.Limits{Credential: a(10)}},
		"the general one":         {sender.Config{CredentialLimit: "10/s"}, nil, messenger.Limits{}, messenger.Limits{Credential: a(10)}},
		"none but the provider's": {sender.Config{CredentialLimit: "off"}, nil, messenger.Limits{Credential: a(30)}, messenger.Limits{Credential: a(30)}},
		"destinations":            {sender.Config{CredentialLimit: "10/s", DestinationLimit: "off"}, nil, messenger.Limits{Destination: a(1)}, messenger.Limits{Credential: a(10)}},
		"the messenger's": {
			sender.Config{CredentialLimit: "10/s", DestinationLimit: "5/s"}, Messengers{"slack": {CredentialLimit: "off", DestinationLimit: "9/s"}},
			messenger.Limits{Credential: a(1), Destination: a(1)}, messenger.Limits{Credential: off, Destination: a(9)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := settings{Config: Config{Sender: c.config}, messengers: c.files}
			if got := s.limits(messenger.Spec{Name: "slack", Limits: c.spec}); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestProviderURL checks the URLs that replace those of the providers.
func TestProviderURL(t *testing.T) {
	for name, c := range map[string]struct {
		url      string // of --provider-url
		files    Messengers
		mailAddr string
		want     map[string]string
	}{
		"the providers":     {"", nil, "", map[string]string{"slack": "", "email": ""}},
		"the mockup here":   {"", nil, "127.0.0.1:18025", map[string]string{"email": "smtp://127.0.0.1:18025"}},
		"a mockup":          {"http://mockup:18084", nil, "127.0.0.1:1", map[string]string{"slack": "http://mockup:18084", "email": "smtp://mockup:18025"}},
		"at an address":     {"http://[::1]:18084/x", nil, "", map[string]string{"email": "smtp://[::1]:18025"}},
		"as a messenger is": {"http://mockup:18084", Messengers{"email": {URL: "smtp://relay:25"}}, "", map[string]string{"slack": "http://mockup:18084", "email": "smtp://relay:25"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &builder{App: &App{config: settings{Config: Config{Providers: ProviderConfig{URL: c.url}}, messengers: c.files}}, mailAddr: c.mailAddr}
			for messenger, want := range c.want {
				if got := b.providerURL(messenger); got != want {
					t.Errorf("%s: %q, want %q", messenger, got, want)
				}
			}
		})
	}
	for addr, want := range map[string]string{
		"127.0.0.1:18084": "127.0.0.1:18025", "127.0.0.1:0": "127.0.0.1:0", "0.0.0.0:80": "0.0.0.0:18025", "[::1]:18084": "[::1]:18025",
	} {
		if got := mailBeside(addr); got != want {
			t.Errorf("beside %s: %s, want %s", addr, got, want)
		}
	}
}

func TestAllowDestinations(t *testing.T) {
	got, err := ProviderConfig{AllowDestinations: []string{"10.1.2.3/8", "192.168.0.7", "fd00::1"}}.allowed()
	if err != nil || len(got) != 3 || got[0].String() != "10.0.0.0/8" || got[1].String() != "192.168.0.7/32" || got[2].String() != "fd00::1/128" {
		t.Errorf("%v, %v", got, err)
	}
	for _, word := range []string{"intranet", "::ffff:10.0.0.0/104", "10.0.0.0/33", "10.0.0", "http://10.0.0.1", "10.0.0.1:80", ""} {
		if _, err := (ProviderConfig{AllowDestinations: []string{word}}).allowed(); err == nil || !strings.Contains(err.Error(), `"`+word+`"`) || !strings.Contains(err.Error(), "--allow-destinations") {
			t.Errorf("%q: %v", word, err)
		}
	}
}

// TestMaxSMSSegments checks the bounds of --max-sms-segments.
func TestMaxSMSSegments(t *testing.T) {
	for segments, valid := range map[int]bool{0: true, 1: true, 24: true, 25: false, -1: false} {
		s, err := Config{Data: t.TempDir(), Providers: ProviderConfig{MaxSMSSegments: segments}}.complete()
		if (err == nil) != valid || err != nil && !strings.Contains(err.Error(), "--max-sms-segments") {
			t.Errorf("%d: %v", segments, err)
		}
		if segments == 0 && s.Providers.MaxSMSSegments != 6 {
			t.Errorf("the default is %d", s.Providers.MaxSMSSegments)
		}
	}
	if err := (ProviderConfig{}).Validate(); err == nil {
		t.Error("a flag of 0 is valid")
	}
}
