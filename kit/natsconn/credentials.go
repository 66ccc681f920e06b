package natsconn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"
)

// Credentials are the files by which a process and NATS servers authenticate one another. Empty
// fields are not used. The files are read at each connection.
type Credentials struct {
	File              string // of NATS, with a JWT and an nkey seed
	NKeyFile          string // an nkey seed, of a user in the configuration of the servers; not with File
	CAFile            string // PEM: the authority of the servers; TLS is required then
	CertFile, KeyFile string // PEM: the client certificate; both or none
}

// options returns the options of a connection. It returns an error for a file that cannot be
// used now; the error quotes none.
func (c Credentials) options() (options []nats.Option, err error) {
	if c.File != "" {
		text, err := os.ReadFile(c.File)
		if err != nil {
			return nil, fmt.Errorf("NATS credentials: %w", err)
		}
		if !bytes.Contains(text, []byte("BEGIN NATS USER JWT")) {
			return nil, fmt.Errorf("NATS credentials: %s has no user JWT; it must be a .creds file, as nsc writes it", c.File)
		}
		options = append(options, nats.UserCredentials(c.File))
	}
	if c.NKeyFile != "" {
		if c.File != "" {
			return nil, errors.New("NATS credentials: a credentials file holds the nkey too; set one of both files")
		}
		nkey, err := nats.NkeyOptionFromSeed(c.NKeyFile)
		if err != nil { // it may quote the file
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
				return nil, fmt.Errorf("NATS nkey: %w", err)
			}
			return nil, fmt.Errorf("NATS nkey: %s has no nkey seed of a user; it must have one that begins with SU, as nk -gen user writes it", c.NKeyFile)
		}
		options = append(options, nkey)
	}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("NATS authority: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("NATS authority: %s has no certificate in PEM", c.CAFile)
		}
		options = append(options, nats.RootCAs(c.CAFile))
	}
	if c.CertFile == "" {
		return options, nil
	}
	if _, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile); err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return nil, fmt.Errorf("NATS certificate: %w", err)
		}
		return nil, fmt.Errorf("NATS certificate: %s and %s are no certificate and private key in PEM that belong together", c.CertFile, c.KeyFile)
	}
	return append(options, nats.ClientCert(c.CertFile, c.KeyFile)), nil
}
