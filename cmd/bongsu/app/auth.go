package app

import (
	"fmt"
	"net/http"
	"time"

	"github.com/bongsu-project/bongsu/kit/auth"
	"github.com/bongsu-project/bongsu/services/edge"
)

// issuerTimeout is the timeout of a call to the OIDC issuer.
const issuerTimeout = 10 * time.Second

// chooseAuth sets Edge.Auth of a process with the edge to required or off. It returns an error
// for an edge that other machines reach and that does not say which.
func (s *settings) chooseAuth() error {
	if err := s.Edge.CheckAuth(); err != nil {
		return err
	}
	if !s.has(Edge) || s.Edge.Auth != "" {
		return nil
	}
	if !isLoopback(s.Edge.Addr) {
		return fmt.Errorf("--edge-addr=%s is reached from other machines: set --auth=required, which writes a first API key to admin.key in --data, or --auth=off to admit everybody who reaches it", s.Edge.Addr)
	}
	s.Edge.Auth = edge.AuthOff
	return nil
}

// newAuthenticator returns the authenticator of the edge, and nil if authentication is off.
func (b *builder) newAuthenticator() *edge.Authenticator {
	if b.config.Edge.Auth != edge.AuthRequired {
		if !isLoopback(b.config.Edge.Addr) {
			b.log.Warn("authentication is off: everybody who reaches the edge can do everything; set --auth=required", "addr", b.config.Edge.Addr)
		}
		return nil
	}
	store := edge.KeyStore{Credentials: b.credentials}
	uses := auth.NewKeyUses(store, b.log)
	callers := &auth.Authenticator{Keys: auth.NewKeyVerifier(store, uses, b.config.Now)}
	// Requests in flight use both until the ports are closed, which ends stageServe.
	b.shutdownStages[stageEnqueue] = append(b.shutdownStages[stageEnqueue], uses.Run)
	if b.config.Edge.OIDC.Issuer != "" {
		if own := b.config.Edge.OIDC.OwnRoles(); len(own) > 0 { // one may be a misspelt role
			b.log.Info("roles of --oidc-role-map that are not built in permit only what joined services name them for", "roles", own)
		}
		tokens := b.config.Edge.OIDC.TokenConfig()
		tokens.Client, tokens.Now, tokens.Log = &http.Client{Timeout: issuerTimeout}, b.config.Now, b.log
		callers.Tokens = auth.NewTokenVerifier(tokens)
		b.shutdownStages[stageEnqueue] = append(b.shutdownStages[stageEnqueue], callers.Tokens.Run)
	}
	return edge.NewAuthenticator(callers, b.metrics, b.log)
}
