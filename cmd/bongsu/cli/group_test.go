package cli

import "testing"

// TestGroupRef checks that a reference has one meaning, whichever groups exist.
func TestGroupRef(t *testing.T) {
	for _, test := range []struct {
		text    string
		id      int32
		name    string
		refused bool
	}{
		{text: "2", id: 2},
		{text: "0", id: 0},
		{text: "2147483647", id: 2147483647},
		{text: "test-team2", name: "test-team2"},
		{text: "2nd", name: "2nd"},
		{text: "-2", name: "-2"},
		{text: "@@test-team2", name: "test-team2"},
		{text: "@@2", name: "2"},
		{text: "2147483648", refused: true},
		{text: "", refused: true},
		{text: "@@", refused: true},
		{text: "@user1", refused: true},
	} {
		id, name, err := groupRef(test.text)
		if id != test.id || name != test.name || (err != nil) != test.refused {
			t.Errorf("groupRef(%q) is %d, %q, %v", test.text, id, name, err)
		}
	}
}
