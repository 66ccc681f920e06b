package app

import (
	"crypto/tls"
	"fmt"
	"net/http"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/kit/rpc"
)

// secure returns the TLS configuration of the port of a service, nil for cleartext, and adds
// the stage that refuses calls of other than peers. The edge is for callers of all kinds, and
// the fakes of the mockup are for senders, which know them as providers.
func (b *builder) secure(service, addr string, l *rpc.Listener) (*tls.Config, error) {
	if service == Edge {
		if b.config.Edge.TLSCert == "" {
			return nil, nil
		}
		cert, err := rpc.OpenCertificate(b.config.Edge.TLSCert, b.config.Edge.TLSKey, b.config.Now, b.log)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		return cert.ServerTLS(), nil
	}
	stage, secure := b.peers.Stage(), b.peers.ServerTLS()
	if service == Mockup {
		stage, secure = b.peers.StageOfProcedures(), nil
	}
	if stage != nil {
		l.Stages = append([]rpc.Stage{stage}, l.Stages...)
	} else if service != Mockup && !isLoopback(addr) {
		b.log.Warn("this internal port serves everybody who can reach it: set --internal-key-file or --internal-tls-cert, or restrict the network",
			"service", service, "addr", addr)
	}
	return secure, nil
}

// userInfoClient returns the HTTP client for calls to the remote directory.
func (b *builder) userInfoClient() (*http.Client, error) {
	if b.config.Alert.UserInfoKeyFile == "" {
		return b.peers.OutsideClient(nil), nil
	}
	keys, err := auth.OpenPeerKeys(b.config.Alert.UserInfoKeyFile, b.config.Now, b.log)
	if err != nil {
		return nil, fmt.Errorf("--userinfo-key-file: %w", err)
	}
	return b.peers.OutsideClient(keys), nil
}
