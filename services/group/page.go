package group

import (
	"fmt"
	"strconv"

	"github.com/bongsu-project/bongsu/internal/fault"
)

// pageToken says where the next page begins: after an id.
func pageToken(id int) string { return strconv.Itoa(id) }

// readPageToken gives the id after which a page begins; 0 for the first page.
func readPageToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	id, err := strconv.Atoi(token)
	if err != nil || id < 0 {
		return 0, fmt.Errorf("page_token is none that this service gave: %w", fault.ErrInvalid)
	}
	return id, nil
}

// more is how much to ask for so that a page of limit knows whether it is the
// last: one more; 0, which asks for all, stays 0.
func more(limit int) int {
	if limit == 0 {
		return 0
	}
	return limit + 1
}
