package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	// defaultSignatureHeader is the header of GitHub, Gitea and others
	// (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries).
	defaultSignatureHeader = "X-Hub-Signature-256"
	// grafanaSignatureHeader is that of Grafana
	// (https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/).
	grafanaSignatureHeader = "X-Grafana-Alerting-Signature"
	// minSecret is the least length of a secret, in bytes.
	minSecret = 16
	// maxSignatureAge is how far the time of a signature may be from the present.
	maxSignatureAge = 5 * time.Minute
)

// A SignatureConfig is the configuration of the signatures of a source: HMAC-SHA256 over the
// body. The zero value means that requests are not signed.
type SignatureConfig struct {
	Secret          string `yaml:"secret"`           // at least 16 bytes
	SecretFile      string `yaml:"secret-file"`      // in place of secret: a file with one secret in each line, each of which is accepted
	Header          string `yaml:"header"`           // with the signature in hexadecimal, after sha256= or alone; default X-Hub-Signature-256, X-Grafana-Alerting-Signature for Grafana
	TimestampHeader string `yaml:"timestamp-header"` // with a Unix time in seconds, which is signed as TIME:BODY; none by default
}

// A Signature verifies the signatures of a source.
type Signature struct {
	secrets                 [][]byte
	header, timestampHeader string
}

// parse returns the Signature, and nil if requests are not signed. It reads the secret file.
func (c SignatureConfig) parse(source string) (*Signature, error) {
	if c == (SignatureConfig{}) {
		return nil, nil //nolint:nilnil // a source without signatures is no error
	}
	s := &Signature{header: c.Header, timestampHeader: c.TimestampHeader}
	if s.header == "" {
		s.header = defaultSignatureHeader
		if source == "grafana" {
			s.header = grafanaSignatureHeader
		}
	}
	secrets := []string{c.Secret}
	switch {
	case (c.Secret == "") == (c.SecretFile == ""):
		return nil, fmt.Errorf("--intake-config: signature of source %s needs either secret or secret-file", source)
	case c.SecretFile != "":
		text, err := os.ReadFile(c.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("--intake-config: secret-file of source %s: %w", source, err)
		}
		secrets = strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' || r == '\r' })
	}
	for _, secret := range secrets {
		if len(secret) < minSecret {
			return nil, fmt.Errorf("--intake-config: a secret of source %s has less than %d bytes", source, minSecret)
		}
		s.secrets = append(s.secrets, []byte(secret))
	}
	if len(s.secrets) == 0 {
		return nil, fmt.Errorf("--intake-config: secret-file of source %s is empty", source)
	}
	return s, nil
}

// The errors of Verify. None quotes the request.
var (
	errSignature = errors.New("invalid signature")
	errTimestamp = errors.New("invalid or old time of the signature")
)

// Verify returns an error for callers unless a request was signed with one of the secrets.
// With a timestamp header, it was signed at most 5 minutes before or after now.
func (s *Signature) Verify(header http.Header, body []byte, now time.Time) error {
	if len(header.Values(s.header)) != 1 {
		return fmt.Errorf("missing signature: send one as %s, or an API key", s.header)
	}
	signature, err := hex.DecodeString(strings.TrimPrefix(header.Get(s.header), "sha256="))
	if err != nil {
		return errSignature
	}
	prefix := ""
	if s.timestampHeader != "" {
		text := header.Get(s.timestampHeader)
		seconds, err := strconv.ParseInt(text, 10, 64)
		if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxSignatureAge {
			return errTimestamp
		}
		prefix = text + ":"
	}
	for _, secret := range s.secrets {
		sum := hmac.New(sha256.New, secret)
		sum.Write([]byte(prefix))
		sum.Write(body)
		if hmac.Equal(sum.Sum(nil), signature) {
			return nil
		}
	}
	return errSignature
}
