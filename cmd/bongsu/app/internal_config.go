package app

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// An InternalConfig says how the processes of a deployment know one another, and a NATS
// server. Files that change are read again, while connections stay open. The zero value
// means no authentication.
type InternalConfig struct {
	// KeyFile is the path of the internal key file, with a key per line: the first is sent,
	// all are accepted. Empty means no key.
	KeyFile string `name:"internal-key-file" type:"path" placeholder:"FILE" help:"A file with the key by which the processes of a deployment know one another, the same for all: the ports of services other than the edge refuse calls without it. One key per line; the first is sent, all are accepted, so that a key can be replaced while processes run."`

	// TLSCert, TLSKey and TLSCA are the paths of PEM files: the certificate and the private
	// key of this process, and the certificates of the authority of all processes. All or
	// none are set.
	TLSCert string `name:"internal-tls-cert" type:"path" placeholder:"FILE" help:"The certificate of this process for mutual TLS between processes, in PEM, as server and client; with --internal-tls-key and --internal-tls-ca."`
	TLSKey  string `name:"internal-tls-key" type:"path" placeholder:"FILE" help:"The private key of --internal-tls-cert."`
	TLSCA   string `name:"internal-tls-ca" type:"path" placeholder:"FILE" help:"The certificates of the authority that issues those of all processes; use one that issues no others."`

	// NATSCreds is the path of a NATS credentials file, with a JWT and an nkey seed.
	NATSCreds string `name:"nats-creds" type:"path" placeholder:"FILE" help:"A NATS credentials file (.creds) for --nats-url."`

	// NATSNKey is the path of a file with an nkey seed, for servers without JWTs. Empty means
	// none.
	NATSNKey string `name:"nats-nkey-file" type:"path" placeholder:"FILE" help:"A file with an nkey seed (SU…) of a user of --nats-url, for servers that list the public keys of users; not with --nats-creds."`

	// NATSCA is the path of a PEM file with the authority of the NATS servers. Empty means
	// those of the machine.
	NATSCA string `name:"nats-ca" type:"path" placeholder:"FILE" help:"The certificates of the authority of the NATS servers, in PEM; TLS is required then. By default those of the machine, with tls:// in --nats-url."`

	// NATSCert and NATSKey are the paths of the certificate and the private key of this
	// process for NATS. Both or none are set.
	NATSCert string `name:"nats-cert" type:"path" placeholder:"FILE" help:"The client certificate for the NATS servers, in PEM; with --nats-key."`
	NATSKey  string `name:"nats-key" type:"path" placeholder:"FILE" help:"The private key of --nats-cert."`
}

// peers returns the settings of the authentication between processes.
func (c InternalConfig) peers() rpc.PeerConfig {
	return rpc.PeerConfig{KeyFile: c.KeyFile, CertFile: c.TLSCert, TLSKeyFile: c.TLSKey, CAFile: c.TLSCA}
}

// nats returns the credentials for NATS.
func (c InternalConfig) nats() queue.Credentials {
	return queue.Credentials{File: c.NATSCreds, NKeyFile: c.NATSNKey, CAFile: c.NATSCA, CertFile: c.NATSCert, KeyFile: c.NATSKey}
}

// check returns an error for files that belong together and are not all set.
func (c InternalConfig) check() error {
	if set := cmp.Or(c.TLSCert, c.TLSKey, c.TLSCA); set != "" && (c.TLSCert == "" || c.TLSKey == "" || c.TLSCA == "") {
		return errors.New("mutual TLS needs --internal-tls-cert, --internal-tls-key and --internal-tls-ca: set all three, or none")
	}
	if c.NATSCreds != "" && c.NATSNKey != "" {
		return errors.New("set --nats-creds or --nats-nkey-file, not both: a credentials file holds the nkey too")
	}
	if (c.NATSCert == "") != (c.NATSKey == "") {
		return errors.New("set --nats-cert and --nats-key, or neither")
	}
	return nil
}

// checkServiceURLs returns an error for a URL of another process that is not https, with
// mutual TLS between processes. Those of other systems may be.
func (s *settings) checkServiceURLs() error {
	if s.Internal.TLSCert == "" {
		return nil
	}
	for _, upstream := range s.upstreamFlags() {
		for _, u := range upstream.urls() {
			if !strings.HasPrefix(u, "https://") {
				return fmt.Errorf("%s must begin with https://: processes call one another by TLS with --internal-tls-cert", upstream.flag)
			}
		}
	}
	return nil
}
