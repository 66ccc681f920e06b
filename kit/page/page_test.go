package page_test

import (
	"errors"
	"testing"

	"github.com/bongsu-project/bongsu/kit/fault"
	"github.com/bongsu-project/bongsu/kit/kittest"
	"github.com/bongsu-project/bongsu/kit/page"
)

type key struct {
	Name string
	ID   int
}

// A request is a request for a page.
type request struct {
	size  int32
	token string
}

func (r request) GetPageSize() int32   { return r.size }
func (r request) GetPageToken() string { return r.token }

// keyOf returns the key of the entry n.
func keyOf(n int) key { return key{"김 \"철수\"", n} }

// entries returns a list of the numbers from 1 to n.
func entries(n int) func(after key, limit int) ([]int, error) {
	return func(after key, limit int) (all []int, _ error) {
		for i := after.ID + 1; i <= n && len(all) < limit; i++ {
			all = append(all, i)
		}
		return all, nil
	}
}

// TestOf reads lists page by page.
func TestOf(t *testing.T) {
	for _, c := range []struct {
		entries int
		size    int32
		pages   []int // their sizes
	}{
		{0, 2, []int{0}},
		{2, 2, []int{2}},
		{5, 2, []int{2, 2, 1}},
		{120, 0, []int{50, 50, 20}},
	} {
		read, token := 0, ""
		for i, size := range c.pages {
			page, next, err := page.Of(request{c.size, token}, keyOf, entries(c.entries))
			kittest.NoError(t, err)
			kittest.Equal(t, len(page), size)
			for _, n := range page {
				read++
				kittest.Equal(t, n, read)
			}
			kittest.Equal(t, next == "", i == len(c.pages)-1)
			token = next
		}
	}
}

// TestOfForeignToken refuses tokens of other lists.
func TestOfForeignToken(t *testing.T) {
	_, number, err := page.Of(request{size: 1}, func(n int) int { return n }, func(int, int) ([]int, error) { return []int{1, 2}, nil })
	kittest.NoError(t, err)
	for _, token := range []string{"?", "e30x", number, number + "="} {
		_, _, err := page.Of(request{token: token}, keyOf, entries(3))
		if fields := fault.Fields(err); !errors.Is(err, fault.ErrInvalid) || len(fields) != 1 || fields[0].Path != "page_token" {
			t.Errorf("%q: %v", token, err)
		}
	}
}

// TestOfError returns the error of the list.
func TestOfError(t *testing.T) {
	failed := errors.New("no connection")
	_, next, err := page.Of(request{}, keyOf, func(key, int) ([]int, error) { return nil, failed })
	if !errors.Is(err, failed) || next != "" {
		t.Errorf("%v, next %q", err, next)
	}
}
