// Package acklink makes and reads acknowledgment links: URLs in messages by which their
// recipients acknowledge an incident without signing in.
//
// A link is PublicURL/ack/TOKEN. The token names the incident, the recipient and the end of its
// validity, and is signed with HMAC-SHA256, of which it has 16 bytes. It is no JWT, whose 200
// characters would fill a message to a phone. Whoever has the link can acknowledge the incident in
// the name of the recipient, and nothing else.
package acklink

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/bongsu-project/bongsu/kit/livefile"
)

// Path is the path of the page below the public URL, before the token.
const Path = "/ack/"

// Validity is how long a link is valid after its message was sent.
const Validity = 72 * time.Hour

const (
	// version is the first byte of a token.
	version = 1
	// macLen is the number of bytes of the signature in a token.
	macLen = 16
	// minKeyLen is the minimum length of a key, in characters.
	minKeyLen = 32
)

// The errors of Keys.Parse.
var (
	// ErrInvalid is the error of a token that is malformed or not signed with one of the keys.
	ErrInvalid = errors.New("invalid link")
	// ErrExpired is the error of a token that is no longer valid.
	ErrExpired = errors.New("the link has expired")
)

// A Claim is the content of a token.
type Claim struct {
	Incident int64  // its id
	Nickname string // of the recipient
	Expire   time.Time
}

// Keys are the keys of links: the first signs, all verify. It is safe for concurrent use.
type Keys [][]byte

// OpenKeys reads a file of keys. The returned function returns the keys, which are read again
// when the file changes; it is safe for concurrent use. now is the clock.
func OpenKeys(path string, now func() time.Time, log *slog.Logger) (func() Keys, error) {
	keys, err := livefile.Open([]string{path}, func(texts [][]byte) (Keys, error) { return ParseKeys(texts[0]) }, now, log)
	if err != nil {
		return nil, err
	}
	return keys.Get, nil
}

// ParseKeys returns the keys of a file: one in a line, of at least 32 characters, the first of
// which signs. Empty lines and those that begin with # are ignored. The error has no key.
func ParseKeys(text []byte) (Keys, error) {
	var keys Keys
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if len(line) < minKeyLen {
			return nil, fmt.Errorf("the key in line %d has %d characters: at least %d are needed, such as those of `openssl rand -hex 32`", n, len(line), minKeyLen)
		}
		keys = append(keys, []byte(line))
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("no key: write one, such as that of `openssl rand -hex 32`")
	}
	return keys, nil
}

// URL returns a link below publicURL, which has no slash at its end.
func (k Keys) URL(publicURL string, c Claim) string { return publicURL + Path + k.token(c) }

// token returns a signed token.
func (k Keys) token(c Claim) string {
	text := []byte{version}
	text = binary.AppendUvarint(text, uint64(c.Expire.Unix()))
	text = binary.AppendUvarint(text, uint64(c.Incident))
	text = append(text, c.Nickname...)
	return base64.RawURLEncoding.EncodeToString(append(text, mac(k[0], text)...))
}

// mac returns the signature of a text.
func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("bongsu ack link\x00"))
	h.Write(text)
	return h.Sum(nil)[:macLen]
}

// Parse returns the claim of a token. It returns ErrInvalid, or ErrExpired with the claim of a
// token that was valid before now.
func (k Keys) Parse(token string, now time.Time) (Claim, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) <= macLen {
		return Claim{}, ErrInvalid
	}
	text, signature := raw[:len(raw)-macLen], raw[len(raw)-macLen:]
	if !k.verifies(text, signature) || text[0] != version {
		return Claim{}, ErrInvalid
	}
	expire, n := binary.Uvarint(text[1:])
	if n <= 0 {
		return Claim{}, ErrInvalid
	}
	incident, m := binary.Uvarint(text[1+n:])
	if m <= 0 {
		return Claim{}, ErrInvalid
	}
	c := Claim{Incident: int64(incident), Nickname: string(text[1+n+m:]), Expire: time.Unix(int64(expire), 0)}
	if !now.Before(c.Expire) {
		return c, ErrExpired
	}
	return c, nil
}

// verifies reports whether one of the keys made a signature.
func (k Keys) verifies(text, signature []byte) bool {
	ok := false
	for _, key := range k {
		ok = hmac.Equal(mac(key, text), signature) || ok
	}
	return ok
}
