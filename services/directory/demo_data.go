package directory

import (
	"fmt"

	"github.com/bongsu-project/bongsu/kit/seal"
)

// DemoData returns the demonstration data of the older service: user1 to user9 with a slack
// address each, and test-team1 to test-team5.
func DemoData(key *seal.Keyring) (Snapshot, error) {
	var s Snapshot
	for n := 1; n <= 9; n++ {
		nickname := fmt.Sprintf("user%d", n)
		a, err := newAddress(key, fmt.Sprintf("SLACK-USER%d-TOKEN", n), seal.Owner{
			Name: nickname, Service: "slack", Address: fmt.Sprintf("USER%d_CHANNEL_ID", n),
		})
		if err != nil {
			return Snapshot{}, err
		}
		s.Users = append(s.Users, User{Nickname: nickname, Addresses: []Address{a}})
	}
	for n := 1; n <= 5; n++ {
		m := Membership{Group: fmt.Sprintf("test-team%d", n), Members: []string{fmt.Sprintf("user%d", n)}}
		if n <= 4 {
			m.Members = append(m.Members, fmt.Sprintf("user%d", n+5))
		}
		s.Groups = append(s.Groups, m)
	}
	return s, nil
}
