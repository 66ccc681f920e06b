package directory

import (
	"fmt"
	"testing"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/services/group"
)

func to(name string) target.Target { return target.Target{Kind: target.User, Name: name} }

// of is the meaning of a target with n recipients.
func of(n int) *meaning {
	return &meaning{borne: true, people: []person{{1, make([]group.Recipient, n)}}}
}

// learn has k know what a target means at a revision.
func learn(k *known, revision int64, name string, m *meaning) {
	k.note(revision, map[target.Target]*meaning{to(name): m}, []target.Target{to(name)})
}

func knows(k *known, revision int64, name string) bool {
	_, missing := k.recall(revision, []target.Target{to(name)})
	return len(missing) == 0
}

func TestKnownIsOfOneRevision(t *testing.T) {
	k := newKnown()
	if knows(k, 1, "kim") {
		t.Error("it knows what it was not told")
	}
	learn(k, 1, "kim", of(1))
	if !knows(k, 1, "kim") {
		t.Error("it does not know what it was told")
	}
	if knows(k, 2, "kim") {
		t.Error("at revision 2 it knows what kim meant at 1")
	}
	learn(k, 1, "kim", of(1)) // by one who looked before
	if knows(k, 1, "kim") || knows(k, 2, "kim") {
		t.Error("it knows what kim meant before the last revision")
	}
	if k.weight != 0 {
		t.Errorf("nothing weighs %d", k.weight)
	}
}

func TestKnownIsBounded(t *testing.T) {
	k := newKnown()
	learn(k, 0, "crowd", of(knownWeight))
	if knows(k, 0, "crowd") || k.weight != 0 {
		t.Error("it keeps what is heavier than all that it may keep")
	}
	for i := range 10 {
		learn(k, 0, fmt.Sprint(i), of(knownWeight/5))
	}
	if k.weight > knownWeight {
		t.Errorf("what is known weighs %d of %d", k.weight, knownWeight)
	}
	if knows(k, 0, "0") || !knows(k, 0, "9") {
		t.Error("it forgets the newest first")
	}
}
