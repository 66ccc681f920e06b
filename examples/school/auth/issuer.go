package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// Audience is the audience of all tokens.
	Audience = "school"
	// accessLife is how long an access token is valid.
	accessLife = time.Hour
)

// An issuer signs tokens (JWT, ES256), and publishes the keys that verify them. It is safe for
// concurrent use.
type issuer struct {
	url    string // of the issuer, in tokens
	signer jose.Signer
	keys   jose.JSONWebKeySet // public
	now    func() time.Time
}

// newIssuer returns the issuer with the keys of a file. The first key signs; the others are
// published for the tokens that they have signed. A missing file is created with one key.
func newIssuer(url, file string, now func() time.Time) (*issuer, error) {
	keys, err := readKeys(file)
	if errors.Is(err, fs.ErrNotExist) {
		keys, err = createKey(file)
	}
	if err != nil {
		return nil, fmt.Errorf("signing keys %s: %w", file, err)
	}
	i := &issuer{url: url, now: now}
	for _, key := range keys {
		public := jose.JSONWebKey{Key: key.Public(), Algorithm: string(jose.ES256), Use: "sig"}
		public.KeyID, err = keyID(public)
		if err != nil {
			return nil, err
		}
		i.keys.Keys = append(i.keys.Keys, public)
	}
	i.signer, err = jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: keys[0], KeyID: i.keys.Keys[0].KeyID}},
		(&jose.SignerOptions{}).WithType("JWT"))
	return i, err
}

// keyID returns the thumbprint of a key.
func keyID(key jose.JSONWebKey) (string, error) {
	sum, err := key.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// readKeys reads the private keys of a file in PEM.
func readKeys(file string) (keys []*ecdsa.PrivateKey, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		key, ok := parsed.(*ecdsa.PrivateKey)
		if !ok || key.Curve != elliptic.P256() {
			return nil, errors.New("a key is not one of P-256")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("no key in PEM (PKCS #8)")
	}
	return keys, nil
}

// createKey creates a file with a new key, and returns the keys of the file: another process may have
// created it.
func createKey(file string) ([]*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), "key") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(temporary.Name()) //nolint:errcheck // it is linked or useless
	err = pem.Encode(temporary, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(temporary.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readKeys(file)
}

// token returns an access token of an account, and when it expires.
func (i *issuer) token(a Account) (token string, expiry time.Time, err error) {
	now := i.now()
	expiry = now.Add(accessLife).Truncate(time.Second)
	token, err = jwt.Signed(i.signer).Claims(jwt.Claims{
		Issuer: i.url, Subject: a.ID, Audience: jwt.Audience{Audience}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(expiry),
	}).Claims(map[string]any{"roles": a.TokenRoles(), "nickname": a.ID, "name": a.Name}).Serialize()
	return token, expiry, err
}

// handler serves what verifiers of tokens need (OpenID Connect Discovery 1.0).
func (i *issuer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, map[string]any{
			"issuer": i.url, "jwks_uri": i.url + "/jwks.json", "id_token_signing_alg_values_supported": []jose.SignatureAlgorithm{jose.ES256},
			"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		})
	})
	mux.HandleFunc("GET /jwks.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, i.keys) })
	return mux
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "public, max-age=60")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}
