package app

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bongsu-project/bongsu/internal/acklink"
)

// linkKeyFile is the name of the file with the link key in the data folder.
const linkKeyFile = "link.key"

// checkPublicURL validates the URL at which people reach the edge.
func checkPublicURL(value string) error {
	const want = "must be a URL such as https://bongsu.example.com"
	u, err := parseURL(value, want, "http", "https")
	if err == nil && (u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return errors.New(want + ", without a user, a query or a fragment")
	}
	return err
}

// checkLinks returns an error for settings of acknowledgment links that have no effect or cannot
// work.
func (s *settings) checkLinks() error {
	switch {
	case s.PublicURL == "" && s.LinkKeyFile != "":
		return errors.New("--link-key-file needs --public-url, below which the links are")
	case s.PublicURL != "" && s.LinkKeyFile == "" && s.has(Edge) != s.has(Sender):
		return errors.New("--public-url needs --link-key-file, the same for the edge and the senders: they run in different processes")
	}
	return nil
}

// openLinkKeys opens the keys of acknowledgment links once. It returns nil if there are no links.
func (b *builder) openLinkKeys() (func() acklink.Keys, error) {
	if b.config.PublicURL == "" || b.linkKeys != nil {
		return b.linkKeys, nil
	}
	path := b.config.LinkKeyFile
	if path == "" {
		path = filepath.Join(b.config.Data, linkKeyFile)
		if err := createLinkKey(path); err != nil {
			return nil, fmt.Errorf("link key: %w", err)
		}
	}
	keys, err := acklink.OpenKeys(path, b.config.Now, b.log)
	if err != nil {
		return nil, fmt.Errorf("link key: %w", err)
	}
	b.linkKeys = keys
	return keys, nil
}

// createLinkKey writes a new key to a file that does not exist yet.
func createLinkKey(path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if _, err = file.WriteString(hex.EncodeToString(key) + "\n"); err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// ackURLs returns the function that makes the link of an incident for a recipient, or nil if there
// are no links.
func (b *builder) ackURLs() (func(incident int64, nickname string) string, error) {
	keys, err := b.openLinkKeys()
	if err != nil || keys == nil {
		return nil, err
	}
	return func(incident int64, nickname string) string {
		return keys().URL(b.config.PublicURL, acklink.Claim{Incident: incident, Nickname: nickname, Expire: b.config.Now().Add(acklink.Validity).Truncate(time.Second)})
	}, nil
}
