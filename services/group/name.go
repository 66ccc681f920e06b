package group

import (
	"fmt"

	"github.com/bongsu-project/bongsu/internal/target"
)

// newNickname returns the canonical form of a nickname that somebody is to bear, or an
// error that begins with the field's name.
func newNickname(field, text string) (string, error) {
	name, err := target.NewNickname(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", field, err)
	}
	return name, nil
}

// newGroupName returns the canonical form of a name that a group is to bear, or an error
// that begins with the field's name.
func newGroupName(text string) (string, error) {
	name, err := target.NewName(text)
	if err != nil {
		return "", fmt.Errorf("group_name: %w", err)
	}
	return name, nil
}

// canonicalNickname returns the nickname of the user that a request names, as it is kept.
func canonicalNickname(req interface{ GetNickName() string }) string {
	return target.CanonicalName(req.GetNickName())
}
