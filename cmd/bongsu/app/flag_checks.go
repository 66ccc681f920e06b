package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/all"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
	"github.com/bongsu-project/bongsu/kit/database"
	"github.com/bongsu-project/bongsu/services/edge"
)

// mailSpec describes mail relays and mail addresses.
var mailSpec = all.Mail(call.Endpoint{}).Spec()

// The forms of values, by the tag check of their setting.
var forms = map[string]func(string) error{
	"service":  checkServiceURL,
	"services": checkServiceURLList,
	"provider": checkProviderURL,
	"nats":     checkNATSURL,
	"database": database.CheckURL,
	"issuer":   checkIssuerURL,
	"public":   checkPublicURL,
	"watchdog": checkWatchdogURL,
	"relay":    mailSpec.Credential.Check,
	"address":  checkAddr,
	"listen":   checkAddr, // of a service
}

// checkForms returns an error that names the first flag whose value does not have the form
// of its tag check. No error quotes a value: it may hold a password.
func (s *settings) checkForms(flags []*kong.Flag) error {
	for _, form := range []string{"service", "services", "provider", "nats", "database", "issuer", "public", "watchdog", "relay", "address"} {
		if err := checkForm(flags, form); err != nil {
			return err
		}
	}
	if err := s.checkProxies(os.Getenv); err != nil {
		return err
	}
	if err := checkForm(flags, "listen"); err != nil {
		return err
	}
	for _, address := range []*string{&s.Alert.UserInfoURL, &s.Providers.URL, &s.PublicURL} {
		*address = strings.TrimRight(*address, "/") // paths are appended
	}
	if err := s.checkWatchdogMail(); err != nil {
		return err
	}
	return s.checkDatabases()
}

// checkDatabases returns an error if two services would use one database.
func (s *settings) checkDatabases() error {
	flags := map[string]string{}
	for _, database := range []struct{ flag, url string }{
		{"--ledger-url", s.Alert.LedgerURL}, {"--directory-url", s.Directory.DatabaseURL}, {"--access-url", s.Access.DatabaseURL},
	} {
		if other := flags[database.url]; other != "" && database.url != "" {
			return fmt.Errorf("%s and %s name the same database: use two", other, database.flag)
		}
		flags[database.url] = database.flag
	}
	return nil
}

// checkForm validates the flags of a form. An empty value is the default.
func checkForm(flags []*kong.Flag, form string) error {
	for _, flag := range flags {
		value := flag.Target.String()
		if flag.Tag.Get("check") != form || value == "" {
			continue
		}
		if err := forms[form](value); err != nil {
			return fmt.Errorf("--%s %w", flag.Name, err)
		}
	}
	return nil
}

// checkProxies returns an error for an invalid proxy in the environment, if this
// process calls providers: net/http would return it, with the value, on every call.
func (c Config) checkProxies(getenv func(string) string) error {
	if !c.has(Sender) && !c.has(Directory) && !c.has(Alert) {
		return nil
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		if !strings.Contains(value, "://") { // like net/http
			value = "http://" + value
		}
		if _, err := parseURL(value, "must be a URL such as http://10.0.0.9:3128", "http", "https", "socks5", "socks5h"); err != nil {
			return fmt.Errorf("%s in the environment %w", name, err)
		}
	}
	return nil
}

// wantServiceURLs describes the URLs of a service.
const wantServiceURLs = "must be a URL such as http://10.0.0.7:18082"

// checkServiceURL validates the URL of another service.
func checkServiceURL(value string) error {
	u, err := parseURL(value, wantServiceURLs, "http", "https")
	if err == nil && u.User != nil {
		return errors.New(wantServiceURLs + ", without a user or a password: services use none")
	}
	return err
}

// CheckServer validates the server URL of the command line client. A user and a
// password are allowed for a proxy in front of the edge. The error does not quote the
// value.
func CheckServer(value string) error {
	_, err := parseURL(value, "must be a URL such as http://127.0.0.1:18080", "http", "https")
	return err
}

// checkProviderURL validates the URL that replaces those of the providers. A user and a
// password are allowed for a gateway.
func checkProviderURL(value string) error {
	_, err := parseURL(value, "must be one URL such as http://127.0.0.1:18084", "http", "https")
	return err
}

// checkIssuerURL validates the URL of an OpenID Connect issuer: https, because the keys of its
// tokens come from there, or http on this machine.
func checkIssuerURL(value string) error {
	const want = "must be a URL such as https://login.example.com, exactly as in the tokens"
	u, err := parseURL(value, want, "https", "http")
	switch {
	case err != nil:
		return err
	case u.User != nil:
		return errors.New(want + ", without a user or a password")
	case u.Scheme == "http" && !isLoopback(net.JoinHostPort(u.Hostname(), "0")):
		return errors.New(want + ": http is accepted on this machine only")
	}
	return nil
}

// checkWatchdogURL validates a URL of another system. Its path and its query may hold a secret.
func checkWatchdogURL(value string) error {
	const want = "must be a URL such as https://watch.example.com/x"
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || checkHost(u.Hostname()) != nil || u.Fragment != "" {
		return errors.New(want)
	}
	return nil
}

// checkWatchdogMail returns an error for a relay without addresses, addresses without a relay, and a
// relay to which its password would be sent unencrypted.
func (s *settings) checkWatchdogMail() error {
	relay, to := s.Monitor.WatchdogMail, s.Monitor.WatchdogMailTo
	if (relay == "") != (len(to) == 0) {
		return errors.New("set --watchdog-mail and --watchdog-mail-to, or neither")
	}
	for _, address := range to {
		if err := mailSpec.Destination.Check(address); err != nil {
			return fmt.Errorf("invalid --watchdog-mail-to %q: %w", address, err)
		}
	}
	u, err := url.Parse(relay)
	if err == nil && u.Query().Get("tls") == "off" && !messenger.IsLoopback(u.Hostname()) && !s.Providers.AllowHTTP {
		return errors.New("--watchdog-mail must be encrypted, because tls=off would send the password in the clear; allow it by --allow-http")
	}
	return nil
}

// checkNATSURL validates the URLs of one or several servers of a NATS cluster,
// separated by commas.
func checkNATSURL(value string) error {
	const want = "must be a URL such as nats://10.0.0.5:4222, or several separated by commas"
	for server := range strings.SplitSeq(value, ",") {
		server = strings.TrimSpace(server)
		if !strings.Contains(server, "://") && server != "" { // like nats.go
			server = "nats://" + server
		}
		u, err := parseURL(server, want, "nats", "tls", "ws", "wss")
		if err != nil {
			return err
		}
		if u.Path != "" && u.Path != "/" && u.Scheme != "ws" && u.Scheme != "wss" {
			return errors.New(want + ", without a path")
		}
	}
	return nil
}

// parseURL parses a URL with one of the schemes, a host, and neither query nor
// fragment. The error begins with want.
func parseURL(value, want string, schemes ...string) (*url.URL, error) {
	u, err := url.Parse(value)
	switch {
	case strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return nil, errors.New(want + ", without white space")
	case err != nil:
		return nil, errors.New(want + ": malformed URL, port that is not a number, or unescaped character in user or password (%2F for /)")
	case !slices.Contains(schemes, u.Scheme):
		return nil, fmt.Errorf("%s: the scheme must be %s://", want, strings.Join(schemes, ":// or "))
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(value, "#"):
		return nil, errors.New(want + ", without ? or #")
	}
	if err := checkHost(u.Hostname()); err != nil {
		return nil, fmt.Errorf("%s: %w", want, err)
	}
	if strings.HasSuffix(u.Host, ":") || u.Port() != "" && !isPort(u.Port(), 1) {
		return nil, errors.New(want + ": the port must be a number from 1 to 65535")
	}
	return u, nil
}

var hostname = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9_.])?$`)

// checkHost validates an IP address or a host name.
func checkHost(host string) error {
	switch {
	case host == "":
		return errors.New("missing host")
	case strings.Contains(host, ","):
		return errors.New("one host is allowed, not a list")
	}
	if _, err := netip.ParseAddr(host); err == nil || hostname.MatchString(host) {
		return nil
	}
	return errors.New("the host must be a name or an IP address")
}

func isPort(text string, least int) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= least && n <= 65535 && strings.Trim(text, "0123456789") == ""
}

// checkAddr validates a listen address.
func checkAddr(value string) error {
	const want = "must be a host and a port such as 127.0.0.1:18080, or 0.0.0.0:18080 for all networks"
	host, port, err := net.SplitHostPort(value)
	switch {
	case err != nil:
		return errors.New(want)
	case !isPort(port, 0):
		return errors.New(want + ": the port must be a number from 0 to 65535")
	case host != "" && checkHost(host) != nil:
		return errors.New(want + ": the host must be a name or an IP address of this machine")
	}
	return nil
}

// findFlagsWithoutEffect returns the flags that are set and have no effect in this process, with the
// reason.
func (c Config) findFlagsWithoutEffect() map[string]string {
	all := map[string]string{}
	note := func(flag, value string, unused bool, why string) {
		if value != "" && unused {
			all["--"+flag] = why
		}
	}
	note("directory-service-url", c.DirectoryServiceURL, c.has(Directory), "the directory service runs in this process")
	note("access-service-url", c.AccessServiceURL, c.has(Access), "the access service runs in this process")
	note("event-service-url", c.EventServiceURL, c.has(Event), "the event service runs in this process")
	note("event-url", c.Event.DatabaseURL, !c.has(Event), "this process does not run the event service")
	note("inbox-service-url", c.InboxServiceURL, c.has(Inbox), "the inbox service runs in this process")
	note("inbox-url", c.Inbox.DatabaseURL, !c.has(Inbox), "this process does not run the inbox service")
	note("incident-service-url", c.IncidentServiceURL, c.has(Incident), "the incident service runs in this process")
	note("incident-url", c.Incident.DatabaseURL, !c.has(Incident), "this process does not run the incident service")
	note("monitor-service-url", c.MonitorServiceURL, c.has(Monitor), "the monitor service runs in this process")
	note("monitor-url", c.Monitor.DatabaseURL, !c.has(Monitor), "this process does not run the monitor service")
	note("watchdog-webhook", c.Monitor.WatchdogWebhook, !c.has(Monitor), "this process does not run the monitor service")
	note("watchdog-mail", c.Monitor.WatchdogMail, !c.has(Monitor), "this process does not run the monitor service")
	note("watchdog-heartbeat", c.Monitor.WatchdogHeartbeat, !c.has(Monitor), "this process does not run the monitor service")
	note("access-url", c.Access.DatabaseURL, !c.has(Access), "this process does not run the access service")
	note("alert-url", c.AlertURL, c.has(Alert), "the alert service runs in this process")
	note("userinfo-url", c.Alert.UserInfoURL, !c.has(Alert), "this process does not run the alert service")
	note("ledger-url", c.Alert.LedgerURL, !c.has(Alert), "this process does not run the alert service")
	note("directory-url", c.Directory.DatabaseURL, !c.has(Directory), "this process does not run the directory service")
	note("provider-url", c.Providers.URL, !c.has(Directory) && !c.has(Sender) && (!c.has(Alert) || c.Alert.UserInfoURL == ""), "this process calls no provider")
	note("public-url", c.PublicURL, !c.has(Edge) && !c.has(Sender), "this process runs neither the edge nor a sender")
	note("intake-config", c.Edge.IntakeConfig, !c.has(Edge), "this process does not run the edge")
	note("userinfo-key-file", c.Alert.UserInfoKeyFile, !c.has(Alert) || c.Alert.UserInfoURL == "", "this process does not call --userinfo-url")
	note("tls-cert", c.Edge.TLSCert, !c.has(Edge), "this process does not run the edge")
	for flag, value := range map[string]string{"nats-creds": c.Internal.NATSCreds, "nats-nkey-file": c.Internal.NATSNKey, "nats-ca": c.Internal.NATSCA, "nats-cert": c.Internal.NATSCert} {
		note(flag, value, c.NATSURL == "", "--nats-url is not set, and the embedded broker has no port")
	}
	note("oidc-issuer", c.Edge.OIDC.Issuer, !c.has(Edge), "this process does not run the edge")
	note("oidc-issuer", c.Edge.OIDC.Issuer, c.has(Edge) && c.Edge.Auth != edge.AuthRequired, "authentication is off: set --auth=required")
	return all
}
