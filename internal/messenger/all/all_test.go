package all

import (
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bongsu-project/bongsu/internal/messenger"
	"github.com/bongsu-project/bongsu/internal/messenger/call"
)

func TestSpecs(t *testing.T) {
	specs := Specs()
	all := Messengers(func(string) call.Endpoint { return call.Endpoint{} }, nil)
	if len(specs) != len(all) || len(specs) == 0 {
		t.Fatalf("%d specs of %d messengers", len(specs), len(all))
	}
	if !slices.IsSortedFunc(specs, func(a, b messenger.Spec) int { return strings.Compare(a.Name, b.Name) }) {
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
		if _, ok := all[i].(messenger.Verifier); ok != s.Verifiable {
			t.Errorf("%s: Verifier %v, Spec.Verifiable %v", s.Name, ok, s.Verifiable)
		}
	}
}

func TestFind(t *testing.T) {
	if s, found := messenger.Find(Specs(), "slack"); !found || s.Title != "Slack" {
		t.Errorf("slack: %+v, %v", s, found)
	}
	for _, name := range []string{"", "Slack", "pigeon"} {
		if s, found := messenger.Find(Specs(), name); found || s.Name != "" {
			t.Errorf("%q: %+v", name, s)
		}
	}
}

// TestEachRunsThePromises verifies that the tests of each messenger run the promises, and
// those with the fake of its provider.
func TestEachRunsThePromises(t *testing.T) {
	count := map[string]int{}
	for _, m := range Messengers(func(string) call.Endpoint { return call.Endpoint{} }, nil) {
		if !slices.Contains([]string{"email", "inbox"}, m.Spec().Name) { // they do not use HTTP: their own tests verify the same
			count[path.Base(reflect.TypeOf(m).PkgPath())]++
		}
	}
	for folder, want := range count {
		files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		var tests strings.Builder
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
		for _, suite := range []string{"messengertest.Run(", "messengertest.RunFake("} {
			if got := strings.Count(tests.String(), suite); got != want {
				t.Errorf("%s has %d messengers, and calls %s) %d times", folder, want, suite, got)
			}
		}
	}
}
