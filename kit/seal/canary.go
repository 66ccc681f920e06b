package seal

import (
	"errors"
	"fmt"
)

// canaryPurpose is a purpose that no other text equals, because of its NUL byte.
const canaryPurpose = "canary\x00"

// Canary returns a canary, a known value sealed under the primary, by which another process
// checks that it has the same keys. It reveals nothing of the keys.
func (k *Keyring) Canary() ([]byte, error) { return k.Seal(canaryPurpose, canaryPurpose) }

// CheckCanary returns an error unless the keyring opens a canary from another process.
func (k *Keyring) CheckCanary(given []byte) error {
	_, err := k.Open(given, canaryPurpose)
	switch id, _ := KeyIDOf(given); {
	case errors.Is(err, ErrUnknownKey):
		return fmt.Errorf("%s lacks the seal key %s of the directory: the directory service and the senders need the same seal key file", k, id)
	case err != nil:
		return fmt.Errorf("%s has another seal key %s than the directory, with the same id: the directory service and the senders need the same seal key file", k, id)
	}
	return nil
}
