package edge

import (
	"errors"
	"fmt"
	"time"
)

// The values of Config.Auth.
const (
	AuthOff      = "off"
	AuthRequired = "required"
)

const (
	// minCallTimeout and maxCallTimeout bound Config.CallTimeout.
	minCallTimeout = 100 * time.Millisecond
	maxCallTimeout = time.Hour
)

// The values of Config.AccessLog.
const (
	AccessLogOff    = "off"
	AccessLogErrors = "errors"
	AccessLogAll    = "all"
)

// A Config holds the settings of the edge. The tags of a field are its flag of bongsu
// serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port.
	Addr string `name:"edge-addr" check:"listen" default:"127.0.0.1:18080" help:"The address on which the edge listens."`

	// Auth is off, required, or empty: off for an Addr on loopback, and an error for another.
	Auth string `placeholder:"off|required" help:"Whether callers of the edge need an API key or a token: off or required. By default off if the edge listens on loopback; otherwise it must be set."`

	OIDC OIDCConfig `embed:"" prefix:"oidc-"`

	// IntakeConfig is the path of a YAML file with the intake sources, as
	// intake.ReadConfig reads it. Empty means the built-in sources.
	IntakeConfig string `type:"path" placeholder:"FILE" help:"A YAML file with the intake sources and their default targets: alertmanager, grafana, cloudevents, and JSON by templates."`

	// TLSCert and TLSKey are the paths of the certificate chain and the private key of the
	// edge, in PEM. They are read again when they change. Both or none are set; without them
	// the edge serves cleartext.
	TLSCert string `name:"tls-cert" type:"path" placeholder:"FILE" help:"The certificate chain of the edge in PEM: the edge serves TLS only. Changed files are used for new connections within a second."`
	TLSKey  string `name:"tls-key" type:"path" placeholder:"FILE" help:"The private key of --tls-cert."`

	// CallTimeout is the timeout of a call whose method has none of its own, from 100
	// milliseconds to 1 hour. A stream has none.
	CallTimeout time.Duration `default:"30s" help:"The timeout of a call whose method has none of its own in its policy; then its caller gets status 408, or deadline_exceeded. Streams have none."`

	// AccessLog is the requests that have a line in the log: AccessLogAll, AccessLogErrors
	// or AccessLogOff.
	AccessLog string `default:"all" enum:"all,errors,off" help:"The requests that have a line in the log: all, errors or off. Successful health checks have none, and of refused requests at most 100 per second."`

	// ResponseCache is the size of the cache of responses, such as 64MiB, or off. Several
	// edges must share a NATS server: it carries the changes that make responses stale.
	ResponseCache string `default:"64MiB" placeholder:"SIZE" help:"The size of the cache of responses, such as 64MiB, or off. Several edges with a cache need the same --nats-url, by which they learn of changes."`

	// StatusPage serves the public status page.
	StatusPage bool `name:"status-page" help:"Serve a public status page at /status and /status.json, without credentials: the monitors that are set to public, with their uptime."`

	Admission AdmissionConfig `embed:""`
}

// CheckTLS returns an error if only one of TLSCert and TLSKey is set.
func (c Config) CheckTLS() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("set --tls-cert and --tls-key, or neither")
	}
	return nil
}

// Validate returns an error for a flag that is set to zero or less: a zero value would
// become the default. The command line calls it.
func (c Config) Validate() error {
	if c.CallTimeout <= 0 {
		return fmt.Errorf("invalid --call-timeout %s: must be above 0", c.CallTimeout)
	}
	return nil
}

// CheckBounds returns an error for a value out of its bounds. Defaults are set before.
func (c Config) CheckBounds() error {
	if c.CallTimeout < minCallTimeout || c.CallTimeout > maxCallTimeout {
		return fmt.Errorf("invalid --call-timeout %s: must be from %s to %s", c.CallTimeout, minCallTimeout, maxCallTimeout)
	}
	switch c.AccessLog {
	case AccessLogAll, AccessLogErrors, AccessLogOff:
		return nil
	}
	return fmt.Errorf("invalid --access-log %q: must be all, errors or off", c.AccessLog)
}

// CheckAuth returns an error for invalid settings of authentication.
func (c Config) CheckAuth() error {
	switch c.Auth {
	case "", AuthOff, AuthRequired:
		return c.OIDC.CheckBounds()
	}
	return fmt.Errorf("invalid --auth %q: must be off or required", c.Auth)
}
