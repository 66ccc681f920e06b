package fault_test

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/bongsu-project/bongsu/kit/fault"
)

// A store names the missing thing. Its callers match the sentinel.
func ExampleNotFoundf() {
	err := fault.NotFoundf("group %d not found", 7)
	fmt.Println(err)
	fmt.Println(errors.Is(err, fault.ErrNotFound), errors.Is(err, fault.ErrInvalid))
	// Output:
	// group 7 not found
	// true false
}

// A cause that is wrapped by %w is in the text, and is matched too.
func ExampleInvalidf() {
	_, cause := strconv.Atoi("ten")
	err := fault.Invalidf("limit: %w", cause)
	fmt.Println(err)
	fmt.Println(errors.Is(err, fault.ErrInvalid), errors.Is(err, strconv.ErrSyntax))
	// Output:
	// limit: strconv.Atoi: parsing "ten": invalid syntax
	// true true
}

// An error may be retried if it is ErrUnavailable, also where it is wrapped.
func ExampleUnavailablef() {
	err := fmt.Errorf("lookup: %w", fault.Unavailablef("database unavailable; try again"))
	if errors.Is(err, fault.ErrUnavailable) {
		fmt.Println("retry after:", err)
	}
	// Output: retry after: lookup: database unavailable; try again
}
