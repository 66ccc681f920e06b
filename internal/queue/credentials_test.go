package queue_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/bongsu-project/bongsu/internal/queue"
	"github.com/bongsu-project/bongsu/kit/kittest/certtest"
)

// operatorMode returns a change of a server's options that requires users of an account, and
// writes the credentials of one.
func operatorMode(t *testing.T) (change func(*server.Options), credsFile string) {
	t.Helper()
	operator, account, user := newNkey(t, nkeys.CreateOperator), newNkey(t, nkeys.CreateAccount), newNkey(t, nkeys.CreateUser)
	claims := jwt.NewAccountClaims(public(t, account))
	claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
	accountJWT := encode(t, claims, operator)
	system := newNkey(t, nkeys.CreateAccount) // JetStream needs one
	systemJWT := encode(t, jwt.NewAccountClaims(public(t, system)), operator)
	operatorClaims := jwt.NewOperatorClaims(public(t, operator))
	decoded, err := jwt.DecodeOperatorClaims(encode(t, operatorClaims, operator))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	creds, err := jwt.FormatUserConfig(encode(t, jwt.NewUserClaims(public(t, user)), account), seed)
	if err != nil {
		t.Fatal(err)
	}
	credsFile = filepath.Join(t.TempDir(), "bongsu.creds")
	if err := os.WriteFile(credsFile, creds, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(o *server.Options) {
		resolver := &server.MemAccResolver{}
		if err := errors.Join(resolver.Store(public(t, account), accountJWT), resolver.Store(public(t, system), systemJWT)); err != nil {
			t.Fatal(err)
		}
		o.SystemAccount = public(t, system)
		o.TrustedOperators, o.AccountResolver = []*jwt.OperatorClaims{decoded}, resolver
	}, credsFile
}

// nkeyMode returns a change of a server's options that requires the nkey of a user, and writes
// its seed.
func nkeyMode(t *testing.T) (change func(*server.Options), seedFile string) {
	t.Helper()
	user := newNkey(t, nkeys.CreateUser)
	seed, err := user.Seed()
	if err != nil {
		t.Fatal(err)
	}
	seedFile = filepath.Join(t.TempDir(), "bongsu.nk")
	if err := os.WriteFile(seedFile, append(seed, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public(t, user)}} }, seedFile
}

func newNkey(t *testing.T, create func() (nkeys.KeyPair, error)) nkeys.KeyPair {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func public(t *testing.T, pair nkeys.KeyPair) string {
	t.Helper()
	key, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encode(t *testing.T, claims jwt.Claims, by nkeys.KeyPair) string {
	t.Helper()
	text, err := claims.Encode(by)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// mutualTLS returns a change of a server's options that requires client certificates.
func mutualTLS(t *testing.T, ca *certtest.Authority) func(*server.Options) {
	t.Helper()
	cert, key, _ := ca.Issue(t, t.TempDir(), "127.0.0.1")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *server.Options) {
		o.TLS, o.TLSVerify, o.TLSTimeout = true, true, 10
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: ca.Pool, ClientAuth: tls.RequireAndVerifyClientCert}
	}
}

// TestCredentials opens the queue of servers that require a user, a client certificate, or both,
// also again after the server was away, and with replaced files.
func TestCredentials(t *testing.T) {
	ca, otherCA := certtest.New(t), certtest.New(t)
	secure := mutualTLS(t, ca)
	operator, creds := operatorMode(t)
	_, otherCreds := operatorMode(t)
	nkeyUsers, seed := nkeyMode(t)
	_, otherSeed := nkeyMode(t)
	cert, key, _ := ca.Issue(t, t.TempDir())
	otherCert, otherKey, _ := otherCA.Issue(t, t.TempDir())
	for name, c := range map[string]struct {
		change      func(*server.Options)
		credentials queue.Credentials
		works       bool
	}{
		"a user":                      {operator, queue.Credentials{File: creds}, true},
		"no user":                     {operator, queue.Credentials{}, false},
		"another user":                {operator, queue.Credentials{File: otherCreds}, false},
		"a certificate":               {secure, queue.Credentials{CAFile: ca.File, CertFile: cert, KeyFile: key}, true},
		"no certificate":              {secure, queue.Credentials{CAFile: ca.File}, false},
		"another certificate":         {secure, queue.Credentials{CAFile: ca.File, CertFile: otherCert, KeyFile: otherKey}, false},
		"another authority":           {secure, queue.Credentials{CAFile: otherCA.File, CertFile: cert, KeyFile: key}, false},
		"an nkey":                     {nkeyUsers, queue.Credentials{NKeyFile: seed}, true},
		"another nkey":                {nkeyUsers, queue.Credentials{NKeyFile: otherSeed}, false},
		"no nkey":                     {nkeyUsers, queue.Credentials{}, false},
		"a user over TLS":             {both(secure, operator), queue.Credentials{File: creds, CAFile: ca.File, CertFile: cert, KeyFile: key}, true},
		"cleartext with an authority": {unchanged, queue.Credentials{CAFile: ca.File}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, dir := port(t), t.TempDir()
			stop := natsOn(t, p, dir, c.change)
			log := slog.New(slog.DiscardHandler)
			conn, err := c.credentials.Dial(fmt.Sprintf("nats://127.0.0.1:%d", p), log)
			if err != nil {
				if c.works || !strings.Contains(err.Error(), "--nats-creds") {
					t.Error(err)
				}
				return
			}
			t.Cleanup(conn.Close)
			if conn.IsConnected() != c.works {
				t.Fatalf("connected %t, %v", conn.IsConnected(), conn.LastError())
			}
			if !c.works {
				return
			}
			q, err := queue.Open(t.Context(), conn, queue.Options{Owner: true, AckWait: time.Minute, Log: log})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(q.Close)
			stop()
			natsOn(t, p, dir, c.change)
			until(t, func() bool { return q.Ready(t.Context()) == nil })
		})
	}
}

func both(changes ...func(*server.Options)) func(*server.Options) {
	return func(o *server.Options) {
		for _, change := range changes {
			change(o)
		}
	}
}

// TestMalformedCredentials checks that files that cannot be used are errors, without their
// contents.
func TestMalformedCredentials(t *testing.T) {
	ca := certtest.New(t)
	_, key, _ := ca.Issue(t, t.TempDir())
	cert, _, _ := ca.Issue(t, t.TempDir())
	_, creds := operatorMode(t)
	none := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		credentials queue.Credentials
		want        string
	}{
		"no file":        {queue.Credentials{File: none}, "NATS credentials"},
		"no credentials": {queue.Credentials{File: key}, ".creds"},
		"no nkey":        {queue.Credentials{NKeyFile: none}, "NATS nkey"},
		"no seed":        {queue.Credentials{NKeyFile: key}, "SU"},
		"an nkey twice":  {queue.Credentials{File: creds, NKeyFile: key}, "both files"},
		"no authority":   {queue.Credentials{CAFile: none}, "NATS authority"},
		"a key":          {queue.Credentials{CAFile: key}, "no certificate"},
		"no key":         {queue.Credentials{CertFile: cert, KeyFile: none}, "NATS certificate"},
		"another key":    {queue.Credentials{CertFile: cert, KeyFile: key}, "belong together"},
	} {
		if _, err := c.credentials.Dial("nats://127.0.0.1:1", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "BEGIN") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
