package call

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// signingSecretPrefix begins the text of a signing secret.
const signingSecretPrefix = "whsec_"

// The bounds of a signing secret, in bytes, as the specification has them.
const minSigningSecret, maxSigningSecret = 24, 64

// A SigningSecret signs requests as Standard Webhooks specifies
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
// The zero SigningSecret signs none.
type SigningSecret struct{ webhook *standardwebhooks.Webhook }

// ParseSigningSecret parses 24 to 64 bytes in Base64, after whsec_ or without it. Its error
// does not quote the text.
func ParseSigningSecret(text string) (SigningSecret, error) {
	bytes, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, signingSecretPrefix))
	if err != nil || len(bytes) < minSigningSecret || len(bytes) > maxSigningSecret {
		return SigningSecret{}, errors.New("must be whsec_ and 24 to 64 bytes in Base64")
	}
	webhook, err := standardwebhooks.NewWebhookRaw(bytes)
	return SigningSecret{webhook}, err
}

// NewSigningSecret returns the text of a random signing secret of 32 bytes.
func NewSigningSecret() string {
	var bytes [32]byte
	_, _ = rand.Read(bytes[:]) // never fails
	return signingSecretPrefix + base64.StdEncoding.EncodeToString(bytes[:])
}

// SetHeader sets the headers of a request with a body: its id, which is the same each time
// that it is repeated, the time of this attempt, and the signature over all three.
func (s SigningSecret) SetHeader(header http.Header, id string, at time.Time, body []byte) error {
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	if s.webhook == nil {
		return nil
	}
	signature, err := s.webhook.Sign(id, at, body)
	if err != nil {
		return errors.New("signing failed with the signing secret")
	}
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return nil
}
