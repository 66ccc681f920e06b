package probe

import (
	"encoding/json"
	"fmt"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// Encode returns the JSON of a check, as it is stored beside its kind.
func Encode(c Check) ([]byte, error) {
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode %s check: %w", c.Kind(), err)
	}
	return data, nil
}

// Decode returns the check of a kind from its JSON. Unknown fields are ignored: a newer
// version may have stored them. It returns fault.ErrInvalid for an unknown kind, or JSON that
// is not of the kind. It does not validate the settings.
func Decode(kind Kind, data []byte) (Check, error) {
	create, ok := kinds[kind]
	if !ok {
		return nil, fault.Invalidf("unknown kind of check %q", kind)
	}
	c := create()
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fault.Invalidf("decode %s check: %w", kind, err)
	}
	return c, nil
}
