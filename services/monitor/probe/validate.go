package probe

import (
	"errors"
	"net"
	"net/netip"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"
	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Validate returns fault.ErrInvalid for a URL, header, pattern or path that cannot be used.
func (c *HTTP) Validate() error {
	return errors.Join(
		invalid("url", checkHTTPURL(c.URL)),
		c.validateHeaders(),
		invalid("body_pattern", checkPattern(c.BodyPattern)),
		invalid("body_not_pattern", checkPattern(c.BodyNotPattern)),
		invalid("json_path", checkJSONPath(c.JSONPath)),
		check("json_value", c.JSONValue == "" || c.JSONPath != "", "needs json_path"),
		check("redirects", c.Redirects >= 0 && c.Redirects <= maxRedirects, "must be from 0 to 10"),
		check("max_latency", c.MaxLatency >= 0, "must not be negative"),
	)
}

const maxRedirects = 10

// framing holds the headers that the client sets itself.
var framing = []string{"Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

func (c *HTTP) validateHeaders() error {
	for i, h := range c.Headers {
		path := "headers[" + strconv.Itoa(i) + "]"
		if !httpguts.ValidHeaderFieldName(h.Name) {
			return fault.InvalidField(path+".name", "must be the name of a header")
		}
		if slices.Contains(framing, textproto.CanonicalMIMEHeaderKey(h.Name)) {
			return fault.InvalidField(path+".name", "%s is set by the client", textproto.CanonicalMIMEHeaderKey(h.Name))
		}
		if !httpguts.ValidHeaderFieldValue(h.Value) {
			return fault.InvalidField(path+".value", "must be the value of a header")
		}
	}
	return nil
}

// Validate returns fault.ErrInvalid for an address or a pattern that cannot be used.
func (c *TCP) Validate() error {
	return errors.Join(invalid("address", checkAddress(c.Address)), invalid("expect", checkPattern(c.Expect)))
}

// Validate returns fault.ErrInvalid for a server, name, type or pattern that cannot be used.
func (c *DNS) Validate() error {
	var server error
	if c.Server != "" {
		server = checkAddress(c.Server)
	}
	_, ok := dns.IsDomainName(c.Name)
	_, known := dns.StringToType[strings.ToUpper(c.Type)]
	return errors.Join(
		invalid("server", server),
		check("name", ok && c.Name != "", "must be a domain name"),
		check("type", c.Type == "" || known, "must be a type of DNS records"),
		invalid("expect", checkPattern(c.Expect)),
	)
}

// Validate returns fault.ErrInvalid for a host or a count that cannot be used.
func (c *ICMP) Validate() error {
	return errors.Join(
		check("host", isHost(c.Host), "must be a host name or an address"),
		check("count", c.Count >= 0 && c.Count <= maxEchoRequests, "must be from 0 to 10"),
	)
}

const maxEchoRequests = 10

// Validate returns fault.ErrInvalid for an address that cannot be used.
func (c *GRPC) Validate() error {
	return errors.Join(
		invalid("address", checkAddress(c.Address)),
		check("skip_verify", !c.SkipVerify || c.TLS, "needs tls"),
	)
}

// Validate returns fault.ErrInvalid for an address or a name that cannot be used.
func (c *TLS) Validate() error {
	return errors.Join(
		invalid("address", checkAddress(c.Address)),
		check("server_name", c.ServerName == "" || isHost(c.ServerName), "must be a host name"),
		check("days", c.Days >= 0, "must not be negative"),
	)
}

// Validate returns fault.ErrInvalid without a limit.
func (c *Host) Validate() error {
	percent := func(v float64) bool { return v >= 0 && v <= 100 }
	return errors.Join(
		check("disk_percent", percent(c.DiskPercent), "must be from 0 to 100"),
		check("disk_free_bytes", c.DiskFreeBytes >= 0, "must not be negative"),
		check("memory_percent", percent(c.MemoryPercent), "must be from 0 to 100"),
		check("cpu_percent", percent(c.CPUPercent), "must be from 0 to 100"),
		check("load", c.Load >= 0, "must not be negative"),
		check("disk_path", !strings.ContainsRune(c.DiskPath, 0), "must be a path"),
		check("disk_percent", c.DiskPercent+float64(c.DiskFreeBytes)+c.MemoryPercent+c.CPUPercent+c.Load > 0, "a limit must be set"),
	)
}

// Validate returns fault.ErrInvalid without a name and a pattern, or for a pattern that cannot be used.
func (c *Process) Validate() error {
	return errors.Join(
		check("name", c.Name != "" || c.Command != "", "name or command must be set"),
		invalid("command", checkPattern(c.Command)),
		check("min_count", c.MinCount >= 0, "must not be negative"),
		check("max_memory_bytes", c.MaxMemoryBytes >= 0, "must not be negative"),
	)
}

// natsName is the name of a stream or a consumer.
var natsName = regexp.MustCompile(`^[^ .*>/\\\x00-\x1f\x7f]*$`)

// Validate returns fault.ErrInvalid for URLs or names that cannot be used.
func (c *NATS) Validate() error {
	return errors.Join(
		invalid("url", checkNATSURLs(c.URL)),
		check("credentials", c.Credentials == "" || c.URL != "", "needs url"),
		check("stream", natsName.MatchString(c.Stream), "must be the name of a stream"),
		check("consumer", natsName.MatchString(c.Consumer), "must be the name of a consumer"),
		check("consumer", c.Consumer == "" || c.Stream != "", "needs stream"),
		check("max_lag", c.MaxLag == 0 || c.Consumer != "", "needs consumer"),
		check("max_lag", c.MaxLag >= 0, "must not be negative"),
		check("servers", c.Servers >= 0, "must not be negative"),
	)
}

// Validate returns fault.ErrInvalid for a URL that cannot be used.
func (c *Postgres) Validate() error {
	percent := func(v float64) bool { return v >= 0 && v <= 100 }
	return errors.Join(
		invalid("url", checkPostgresURL(c.URL)),
		check("password", c.Password == "" || c.URL != "", "needs url"),
		check("connections_percent", percent(c.ConnectionsPercent), "must be from 0 to 100"),
		check("xid_percent", percent(c.XIDPercent), "must be from 0 to 100"),
		check("replication_lag", c.ReplicationLag >= 0, "must not be negative"),
		check("transaction_age", c.TransactionAge >= 0, "must not be negative"),
	)
}

// Validate returns fault.ErrInvalid without an id.
func (c *Instance) Validate() error { return check("id", c.ID != "", "must be set") }

// Validate returns fault.ErrInvalid for an unknown value or a negative limit.
func (c *System) Validate() error {
	_, ok := systemValues[c.Value]
	return errors.Join(check("value", ok, "unknown value"), check("limit", c.Limit >= 0, "must not be negative"))
}

// Validate returns fault.ErrInvalid without a period.
func (c *Heartbeat) Validate() error {
	return errors.Join(
		check("period", c.Period > 0, "must be set"),
		check("grace", c.Grace >= 0, "must not be negative"),
		check("max_run", c.MaxRun >= 0, "must not be negative"),
	)
}

// check returns fault.ErrInvalid for a field unless ok.
func check(path string, ok bool, problem string) error {
	if ok {
		return nil
	}
	return fault.InvalidField(path, "%s", problem)
}

// invalid returns fault.ErrInvalid for a field with a problem.
func invalid(path string, problem error) error {
	if problem == nil {
		return nil
	}
	return fault.InvalidField(path, "%w", problem)
}

// checkAddress returns an error unless the text is host:port.
func checkAddress(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil || !isHost(host) || !isPort(port) {
		return errors.New("must be host:port")
	}
	return nil
}

func isPort(text string) bool {
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// hostName is a host name, with underscores, which some names in private networks have.
var hostName = regexp.MustCompile(`^[0-9A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?(\.[0-9A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?)*\.?$`)

// isHost reports whether the text is a host name or an address without a zone.
func isHost(text string) bool {
	if addr, err := netip.ParseAddr(text); err == nil {
		return addr.Zone() == ""
	}
	return len(text) <= 253 && hostName.MatchString(text)
}

var errHTTPURL = errors.New("must be an absolute http or https URL")

// checkHTTPURL returns an error unless the text is an absolute http or https URL without
// credentials. The error does not quote it.
func checkHTTPURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Port() != "" && !isPort(u.Port()) {
		return errHTTPURL
	}
	host := u.Hostname()
	if ascii, err := idna.Lookup.ToASCII(host); err == nil { // the client sends it in this form
		host = ascii
	}
	if !isHost(host) {
		return errHTTPURL
	}
	if u.User != nil {
		return errors.New("must not have credentials; use a header")
	}
	return nil
}

// checkNATSURLs returns an error unless the text is empty or URLs of NATS servers or of one
// monitoring port, without credentials.
func checkNATSURLs(text string) error {
	if text == "" {
		return nil
	}
	parts := strings.Split(text, ",")
	for _, part := range parts {
		u, err := url.Parse(strings.TrimSpace(part))
		if err != nil || !slices.Contains(natsSchemes, u.Scheme) || !isHost(u.Hostname()) || u.Port() != "" && !isPort(u.Port()) || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return errors.New("must be URLs of servers, such as nats://host:4222, tls://host:4222, or one of a monitoring port, such as http://host:8222")
		}
		if u.User != nil {
			return errors.New("must not have credentials; use credentials")
		}
		if isMonitoring(u) && len(parts) > 1 {
			return errors.New("must be one URL if it is that of a monitoring port")
		}
	}
	return nil
}

var natsSchemes = []string{"nats", "tls", "http", "https"}

// isMonitoring reports whether a URL is that of a monitoring port of NATS.
func isMonitoring(u *url.URL) bool { return u.Scheme == "http" || u.Scheme == "https" }

// postgresParameters are the parameters of a URL of PostgreSQL that a check may set. Others
// would read files of this machine.
var postgresParameters = []string{"sslmode", "application_name", "connect_timeout", "default_query_exec_mode", "target_session_attrs"}

// checkPostgresURL returns an error unless the text is empty or a URL of PostgreSQL without a
// password.
func checkPostgresURL(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || !isHost(u.Hostname()) || u.Port() != "" && !isPort(u.Port()) {
		return errors.New("must be postgres://user@host:port/database")
	}
	if _, ok := u.User.Password(); ok {
		return errors.New("must not have a password; use password")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("must be postgres://user@host:port/database")
	}
	for name := range query {
		if !slices.Contains(postgresParameters, name) {
			return errors.New("must not have parameters other than " + strings.Join(postgresParameters, ", "))
		}
	}
	return nil
}
