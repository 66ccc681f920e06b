package fault_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// An invalid field has its path and its problem for programs, and both in the text.
func ExampleInvalidField() {
	err := fault.InvalidField("users[3].rank", "must be at most %d", 9)
	fmt.Println(err)
	fmt.Println(fault.Fields(err))
	// Output:
	// users[3].rank: must be at most 9
	// [{users[3].rank must be at most 9}]
}

// A program compares the reason, and reads the resource.
func ExampleWithResource() {
	err := fault.WithResource(fault.NotFoundf("group %d not found", 7), "group", 7)
	resource, _ := fault.ResourceOf(fmt.Errorf("rename: %w", err))
	fmt.Println(resource.Type, resource.Name)
	// Output: group 7
}

func TestFields(t *testing.T) {
	a, b := fault.InvalidField("a", "no"), fault.InvalidField("b", "no")
	for _, c := range []struct {
		name string
		err  error
		want []fault.Field
	}{
		{"nil", nil, nil},
		{"none", fault.Invalidf("no"), nil},
		{"one", a, []fault.Field{{"a", "no"}}},
		{"wrapped", fmt.Errorf("x: %w", a), []fault.Field{{"a", "no"}}},
		{"joined", errors.Join(a, errors.New("x"), b), []fault.Field{{"a", "no"}, {"b", "no"}}},
		{"in a fault", fault.Invalidf("several: %w, %w", a, b), []fault.Field{{"a", "no"}, {"b", "no"}}},
		{"a field hides its cause", fault.InvalidField("list[2]", "%w", a), []fault.Field{{"list[2]", "a: no"}}},
		{"of a text", fault.WithField(fault.Invalidf("invalid token"), "token"), []fault.Field{{"token", "invalid token"}}},
		{"several", fault.WithFields(fault.Invalidf("two"), []fault.Field{{"a", "x"}, {"b", "y"}}), []fault.Field{{"a", "x"}, {"b", "y"}}},
		{"in a message", fault.Within("users[3]", errors.Join(a, b)), []fault.Field{{"users[3].a", "no"}, {"users[3].b", "no"}}},
		{"beside other details", fault.WithReason(fault.WithDelay(a, time.Second), "R"), []fault.Field{{"a", "no"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fault.Fields(c.err); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestWithin(t *testing.T) {
	err := fault.Within("address", fault.WithReason(fault.InvalidField("rank", "too large"), "RANK"))
	if err.Error() != "address.rank: too large" || !errors.Is(err, fault.ErrInvalid) || fault.ReasonOf(err) != "RANK" {
		t.Errorf("%v, %s", err, fault.ReasonOf(err))
	}
	if err := fault.Within("address", fault.Unavailablef("away")); fault.Fields(err) != nil || !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("%v has fields", err)
	}
}

func TestDetails(t *testing.T) {
	base := fault.Unavailablef("away")
	err := fault.WithReason(fault.WithDelay(fault.WithResource(base, "lane", "a"), 3*time.Second), "LANE_AWAY")
	err = fault.WithReason(fmt.Errorf("send: %w", err), "OUTER")
	if err.Error() != "send: away" || !errors.Is(err, base) || !errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("text or match is changed: %v", err)
	}
	resource, ok := fault.ResourceOf(err)
	if !ok || resource != (fault.Resource{Type: "lane", Name: "a"}) || fault.DelayOf(err) != 3*time.Second || fault.ReasonOf(err) != "OUTER" {
		t.Errorf("%v, %s, %s", resource, fault.DelayOf(err), fault.ReasonOf(err))
	}
	if _, ok := fault.ResourceOf(base); ok || fault.DelayOf(base) != 0 || fault.ReasonOf(base) != "" {
		t.Error("an error without details has some")
	}
	joined := errors.Join(fault.InvalidField("a", "no"), fault.WithReason(errors.New("x"), "SECOND"))
	if got := fault.ReasonOf(joined); got != "SECOND" {
		t.Errorf("reason of a joined error is %q", got)
	}
}
