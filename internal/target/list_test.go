package target_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/bongsu-project/bongsu/internal/target"
	"github.com/bongsu-project/bongsu/kit/fault"
)

func TestListKeepsTheTexts(t *testing.T) {
	nfd, nfc := "@caf\u0065\u0301", "@caf\u00e9"
	list, err := target.ParseList([]string{"@@ops", nfd, nfc, "@all"})
	if err != nil {
		t.Fatal(err)
	}
	if list.Targets[1] != list.Targets[2] {
		t.Errorf("%q and %q are two targets", nfd, nfc)
	}
	if got := list.AsWritten([]target.Target{list.Targets[2], list.Targets[0]}); !slices.Equal(got, []string{nfd, "@@ops"}) {
		t.Errorf("targets were written as %q", got)
	}
	if got := list.AsWritten(nil); got != nil {
		t.Errorf("no targets were written as %q", got)
	}
	if list, err := target.ParseList([]string{"@kim", "ops"}); !errors.Is(err, fault.ErrInvalid) || len(list.Texts) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}
