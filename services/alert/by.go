package alert

import (
	"slices"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/kit/fault"
)

// checkBy returns fault.ErrInvalid for a name in by that is no messenger.
func (h *Handler) checkBy(by []string) error {
	for _, name := range by {
		if _, ok := messenger.Find(h.Specs, name); !ok {
			return fault.InvalidField("by", "unknown messenger %q", name)
		}
	}
	return nil
}

// recipientsBy returns the recipients whose messengers are in by, all of them if it is empty.
// It does not change found, which may be shared.
func recipientsBy(found []Recipient, by []string) []Recipient {
	if len(by) == 0 {
		return found
	}
	kept := make([]Recipient, 0, len(found))
	for _, r := range found {
		if slices.Contains(by, r.Messenger) {
			kept = append(kept, r)
		}
	}
	return kept
}
