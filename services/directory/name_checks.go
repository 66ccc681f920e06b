package directory

import (
	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// newNickname returns the canonical form of a new nickname. Its error begins with the
// name of the field.
func newNickname(field, text string) (string, error) {
	name, err := target.NewNickname(text)
	if err != nil {
		return "", fault.InvalidField(field, "%w", err)
	}
	return name, nil
}

// newGroupName returns the canonical form of a new group name. Its error begins with
// the name of the field.
func newGroupName(text string) (string, error) {
	name, err := target.NewName(text)
	if err != nil {
		return "", fault.InvalidField("group_name", "%w", err)
	}
	return name, nil
}

// canonicalNickname returns the nickname in a request in its canonical form.
func canonicalNickname(req interface{ GetNickName() string }) string {
	return target.CanonicalName(req.GetNickName())
}
