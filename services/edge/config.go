package edge

import "errors"

// The values of Config.Auth.
const (
	AuthOff      = "off"
	AuthRequired = "required"
)

// A Config holds the settings of the edge. The tags of a field are its flag of bongsu
// serve. The zero value of a field is its default.
type Config struct {
	// Addr is the listen address, host:port. Port 0 is any free port.
	Addr string `name:"edge-addr" check:"listen" default:"127.0.0.1:18080" help:"The address on which the edge listens."`

	// Auth is whether callers need credentials: AuthOff or AuthRequired. Empty means AuthOff.
	Auth string `placeholder:"required" help:"Whether callers need credentials, an API key or a token: off or required."`

	// IntakeConfig is the path of a YAML file with the intake sources, as
	// intake.ReadConfig reads it. Empty means the built-in sources.
	IntakeConfig string `type:"path" placeholder:"FILE" help:"A YAML file with the intake sources and their default targets: alertmanager, grafana, cloudevents, and JSON by templates."`

	// TLSCert and TLSKey are the paths of the certificate chain and the private key of the
	// edge, in PEM. They are read again when they change. Both or none are set; without them
	// the edge serves cleartext.
	TLSCert string `name:"tls-cert" type:"path" placeholder:"FILE" help:"The certificate chain of the edge in PEM: the edge serves TLS only. Changed files are used for new connections within a second."`
	TLSKey  string `name:"tls-key" type:"path" placeholder:"FILE" help:"The private key of --tls-cert."`
}

// CheckTLS returns an error if only one of TLSCert and TLSKey is set.
func (c Config) CheckTLS() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("set --tls-cert and --tls-key, or neither")
	}
	return nil
}
