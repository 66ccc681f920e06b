package monitor

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/seal"
	"github.com/bongsu-project/bongsu/services/monitor/probe"
)

// Secrets seals and opens the secrets of checks. A sealed secret opens only for the monitor and the
// destination that it was sealed for.
type Secrets struct {
	Key *seal.Keyring // nil seals nothing: checks with secrets are refused
}

// ownerOf returns the owner of the secrets of a check.
func ownerOf(name string, c probe.Check) seal.Owner {
	return seal.Owner{Name: name, Service: "monitor/" + string(c.Kind()), Address: c.Destination()}
}

// seal returns a copy of a check with sealed secrets.
func (s Secrets) seal(name string, c probe.Check) (probe.Check, error) {
	return convertSecrets(c, func(field, secret string) (string, error) {
		if s.Key == nil {
			return "", fault.InvalidField("settings."+string(c.Kind())+"."+field, "cannot be stored: the monitor service has no seal key; set --seal-key-file")
		}
		sealed, err := s.Key.SealForOwner(secret, ownerOf(name, c))
		return base64.StdEncoding.EncodeToString(sealed), err
	})
}

// Open returns the check of a monitor with open secrets.
func (s Secrets) Open(m Monitor) (probe.Check, error) {
	return s.open(m.Settings.Name, m.Settings.Check)
}

// open returns a copy of a check with open secrets.
func (s Secrets) open(name string, c probe.Check) (probe.Check, error) {
	return convertSecrets(c, func(field, text string) (string, error) {
		if s.Key == nil {
			return "", errors.New("the monitor service has no seal key: set --seal-key-file")
		}
		sealed, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return "", fmt.Errorf("sealed %s is damaged", field)
		}
		secret, err := s.Key.OpenForOwner(sealed, ownerOf(name, c))
		if err != nil {
			return "", fmt.Errorf("%s: %w", field, err)
		}
		return secret, nil
	})
}

// convertSecrets returns a copy of a check in which convert has replaced the secrets that are not
// empty. A check without any is returned as it is.
func convertSecrets(c probe.Check, convert func(field, secret string) (string, error)) (probe.Check, error) {
	if !hasSecrets(c) {
		return c, nil
	}
	c, err := cloneCheck(c)
	if err != nil {
		return nil, err
	}
	for field, secret := range c.Secrets() {
		if *secret == "" {
			continue
		}
		if *secret, err = convert(field, *secret); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// hasSecrets reports whether a check has a secret that is not empty.
func hasSecrets(c probe.Check) bool {
	for _, secret := range c.Secrets() {
		if *secret != "" {
			return true
		}
	}
	return false
}

// keepSecrets returns a copy of a check in which empty secrets are those of the stored one, if the
// kind and the destination are the same. Both are sealed.
func keepSecrets(c, stored probe.Check) (probe.Check, error) {
	if c.Kind() != stored.Kind() || c.Destination() != stored.Destination() || !hasSecrets(stored) {
		return c, nil
	}
	c, err := cloneCheck(c)
	if err != nil {
		return nil, err
	}
	kept := stored.Secrets()
	for field, secret := range c.Secrets() {
		if old := kept[field]; *secret == "" && old != nil {
			*secret = *old
		}
	}
	return c, nil
}

// cloneCheck returns a deep copy of a check.
func cloneCheck(c probe.Check) (probe.Check, error) {
	text, err := probe.Encode(c)
	if err != nil {
		return nil, err
	}
	return probe.Decode(c.Kind(), text)
}

const (
	// resealPage is the number of monitors of a query for secrets under other keys.
	resealPage = 500
	// resealRetryDelay is the retry delay after the store returned an error.
	resealRetryDelay = 30 * time.Second
)

// RunReseal seals the secrets of all monitors under the primary seal key, now and whenever the
// keyring changes, until ctx ends. Several processes may run it concurrently.
func (s Secrets) RunReseal(ctx context.Context, monitors Monitors, log *slog.Logger) {
	for {
		changed := s.Key.Changed()
		var again <-chan time.Time
		if err := s.resealAll(ctx, monitors, log); err != nil && ctx.Err() == nil {
			log.Warn("resealing the secrets of monitors failed; retrying", "error", err)
			again = time.After(resealRetryDelay)
		}
		select {
		case <-changed:
		case <-again:
		case <-ctx.Done():
			return
		}
	}
}

// resealAll seals all secrets that are not sealed under the primary key.
func (s Secrets) resealAll(ctx context.Context, monitors Monitors, log *slog.Logger) error {
	done, lost := 0, 0
	for after := ""; ; {
		page, err := monitors.Page(ctx, Query{After: after, Limit: resealPage})
		if err != nil {
			return err
		}
		for _, m := range page {
			after = m.Settings.Name
			if !s.isOutdated(m.Settings.Check) {
				continue
			}
			switch err := s.reseal(ctx, monitors, m.Settings.Name); {
			case errors.Is(err, errLost):
				lost++
			case err != nil:
				return err
			default:
				done++
			}
		}
		if len(page) < resealPage {
			break
		}
	}
	if done > 0 {
		log.Info("secrets of monitors resealed under the primary seal key", "key", s.Key.Primary().String(), "monitors", done)
	}
	if lost > 0 {
		log.Error("secrets of monitors not resealed, because they cannot be opened", "key", s.Key.Primary().String(), "monitors", lost)
	}
	return nil
}

// isOutdated reports whether a secret of a check is sealed under another key than the primary.
func (s Secrets) isOutdated(c probe.Check) bool {
	for _, id := range sealKeysOf(c) {
		if id != s.Key.Primary() {
			return true
		}
	}
	return false
}

// sealKeysOf returns the seal key of each secret of a check.
func sealKeysOf(c probe.Check) []seal.KeyID {
	var ids []seal.KeyID
	for _, secret := range c.Secrets() {
		sealed, _ := base64.StdEncoding.DecodeString(*secret) // a damaged one has no key
		if id, ok := seal.KeyIDOf(sealed); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// errLost is the error of a secret that cannot be opened, and errUnchanged that of a monitor with
// nothing to change.
var (
	errLost      = errors.New("secret cannot be opened")
	errUnchanged = errors.New("nothing to change")
)

// reseal seals the secrets of a monitor under the primary key. One that was deleted is ignored.
func (s Secrets) reseal(ctx context.Context, monitors Monitors, name string) error {
	_, _, err := monitors.Set(ctx, name, func(stored *Monitor) (Monitor, error) {
		if stored == nil || !s.isOutdated(stored.Settings.Check) {
			return Monitor{}, errUnchanged
		}
		open, err := s.open(name, stored.Settings.Check)
		if err != nil {
			return Monitor{}, errLost
		}
		changed := *stored
		changed.Settings.Check, err = s.seal(name, open)
		return changed, err
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}
