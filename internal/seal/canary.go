package seal

import (
	"errors"
	"fmt"
)

// canary is a purpose of no messenger's name.
const canary = "canary\x00"

// Canary gives something sealed as all is that is sealed now. It tells nothing.
func (k *Key) Canary() ([]byte, error) { return k.Seal(canary, canary) }

// Check says whether the key opens what is sealed by the process that gave a
// canary.
func (k *Key) Check(given []byte) error {
	_, err := k.Open(given, canary)
	switch id, _ := IDOf(given); {
	case errors.Is(err, ErrUnknownKey):
		return fmt.Errorf("%s is not the seal key that credentials are sealed by, which is %s: the group service and the senders need the same file", k, id)
	case err != nil:
		return fmt.Errorf("%s does not hold the seal key %s that credentials are sealed by, but another of the same id: the group service and the senders need the same file", k, id)
	}
	return nil
}
