package seal

import (
	"errors"
	"fmt"
)

// canary is a purpose that no messenger's name can equal.
const canary = "canary\x00"

// Canary returns a canary sealed under the primary. It reveals nothing of the keys.
func (k *Key) Canary() ([]byte, error) { return k.Seal(canary, canary) }

// Check returns an error unless the keyring opens a canary from another process.
func (k *Key) Check(given []byte) error {
	_, err := k.Open(given, canary)
	switch id, _ := IDOf(given); {
	case errors.Is(err, ErrUnknownKey):
		return fmt.Errorf("%s lacks the seal key %s of the directory: the directory service and the senders need the same seal key file", k, id)
	case err != nil:
		return fmt.Errorf("%s has another seal key %s than the directory, with the same id: the directory service and the senders need the same seal key file", k, id)
	}
	return nil
}
