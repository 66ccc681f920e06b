package httpx

import (
	"fmt"

	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

// Presets returns the messengers of the presets, by endpoints of their names: a new preset
// is one file and one line here.
func Presets(endpoint func(name string) call.Endpoint) []Messenger {
	var all []Messenger
	for _, of := range []Named{googleChat, mattermost, ncpSENS, rocketChat} {
		m, err := New(endpoint(of.Name), of)
		if err != nil {
			panic(fmt.Sprintf("preset %s: %v", of.Name, err)) // a test makes each
		}
		all = append(all, m)
	}
	return all
}
