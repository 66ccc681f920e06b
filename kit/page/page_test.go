package page_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/page"
)

type key struct {
	Name string
	ID   int64
}

func TestToken(t *testing.T) {
	var got key
	kittest.NoError(t, page.Parse(page.Token(key{"김 \"철수\"", 7}), &got))
	kittest.Equal(t, got, key{"김 \"철수\"", 7})
	kittest.NoError(t, page.Parse("", &got))
	kittest.Equal(t, got.ID, int64(7))
	for _, token := range []string{"?", "e30x", page.Token("text"), page.Token(7) + "="} {
		err := page.Parse(token, &got)
		if fields := fault.Fields(err); !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != "page_token" {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestSize(t *testing.T) {
	kittest.Equal(t, page.Size(0), 50)
	kittest.Equal(t, page.Size(7), 7)
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		all     []int
		entries int
		next    string
	}{
		{nil, 0, ""},
		{[]int{1, 2}, 2, ""},
		{[]int{1, 2, 3}, 2, page.Token("2")},
	} {
		entries, next := page.Cut(c.all, 2, func(n int) any { return strconv.Itoa(n) })
		kittest.Equal(t, len(entries), c.entries)
		kittest.Equal(t, next, c.next)
	}
}
