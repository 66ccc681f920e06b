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
		m, err := build(endpoint(of.Name), of)
		if err != nil {
			panic(fmt.Sprintf("preset %s: %v", of.Name, err)) // the tests make each
		}
		all = append(all, m)
	}
	return all
}
