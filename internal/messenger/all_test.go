package messenger

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestSpecs(t *testing.T) {
	specs := Specs()
	all := All(func(string) Endpoint { return Endpoint{} })
	if len(specs) != len(all) || len(specs) == 0 {
		t.Fatalf("%d specs of %d messengers", len(specs), len(all))
	}
	if !slices.IsSortedFunc(specs, func(a, b Spec) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not by name")
	}
	for i, s := range specs {
		if !regexp.MustCompile(`^[a-z0-9]{1,10}$`).MatchString(s.Name) {
			t.Errorf("name %q", s.Name)
		}
		if i > 0 && specs[i-1].Name == s.Name {
			t.Errorf("%s is listed twice", s.Name)
		}
		if s.Title == "" || s.Credential.Label == "" || s.Credential.Hint == "" || s.Destination.Label == "" || s.Destination.Hint == "" {
			t.Errorf("%s: incomplete Spec: %+v", s.Name, s)
		}
		if !s.Credential.Secret || s.Destination.Secret {
			t.Errorf("%s: the credential must be secret, the destination not", s.Name)
		}
		if _, ok := all[i].(Verifier); ok != s.Verifiable {
			t.Errorf("%s: Verifier %v, Spec.Verifiable %v", s.Name, ok, s.Verifiable)
		}
	}
}

func TestFind(t *testing.T) {
	if s, found := Find(Specs(), "slack"); !found || s.Title != "Slack" {
		t.Errorf("slack: %+v, %v", s, found)
	}
	for _, name := range []string{"", "Slack", "pigeon"} {
		if s, found := Find(Specs(), name); found || s.Name != "" {
			t.Errorf("%q: %+v", name, s)
		}
	}
}
