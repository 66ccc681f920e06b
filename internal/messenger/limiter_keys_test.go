package messenger_test

import (
	"regexp"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
)

// TestKeyIDs checks that each credential, and each destination under one, has its own ID,
// which is a valid bucket key and does not reveal the destination.
func TestKeyIDs(t *testing.T) {
	const one, other = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
	if got, want := messenger.CredentialKeyID("slack", one), "slack.credential."+one; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := messenger.CredentialKeyID("slack", ""), "slack.credential.unknown"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if name, destination := messenger.OfKeyID("slack.credential." + one); name != "slack" || destination {
		t.Errorf("the key of a credential is of %s, destination %v", name, destination)
	}
	form := regexp.MustCompile(`^[a-z]+\.destination\.[0-9a-f]{32}$`)
	seen := map[string]bool{}
	for _, of := range [][3]string{
		{"slack", one, "C1"}, {"slack", one, "C2"}, {"slack", other, "C1"}, {"sms", one, "C1"}, {"slack", one, ""}, {"slack", one, "채널 1 *>"},
	} {
		id := messenger.DestinationKeyID(of[0], of[1], of[2])
		if seen[id] || !form.MatchString(id) || id != messenger.DestinationKeyID(of[0], of[1], of[2]) {
			t.Errorf("ID of %q: %s", of, id)
		}
		if name, destination := messenger.OfKeyID(id); name != of[0] || !destination {
			t.Errorf("%s is of %s, destination %v", id, name, destination)
		}
		seen[id] = true
	}
}
